// File access in one step each, for worker threads: a read or a whole atomic write costs one hand-over
// between threads instead of five. No Node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace lc::files {

// What the system answered: errno and the call that failed.
class SystemError : public std::runtime_error {
 public:
  SystemError(int error, const char* operation, const std::string& path);
  // The name of errno, such as "ENOENT"; "UNKNOWN" for rare ones.
  const char* code() const { return code_; }

 private:
  const char* code_;
};

enum class Kind { kFile, kFolder, kOther };

struct Status {
  Kind kind;
  std::uint64_t bytes;
  // How much of `head` was filled; 0 for everything but files.
  std::size_t headBytes;
};

// Follows links. Devices and pipes are not opened.
Status inspect(const std::string& path, std::span<std::uint8_t> head);

// What tells whether a path still leads to what it led to. Times are in nanoseconds since 1970.
struct State {
  // 0: nothing that can be looked at; 1: a file, 2: a folder, 3: anything else.
  std::int64_t kind;
  std::int64_t bytes;
  std::int64_t modified;
  // Of contents, name or permissions; no program can set it back.
  std::int64_t changed;
};

// Follows links.
State stateOf(const std::string& path) noexcept;

// Locks a whole open file for writing until its last descriptor is closed, by this process or by its end.
// False when another open file holds the lock, of this process or of another.
bool tryLock(int descriptor);
// Whether another open file holds the lock. Takes none.
bool isLocked(int descriptor);

// Fills `target` from the start of the file. Returns how many bytes there were, at most target.size() + 1:
// one more says that the file is longer.
std::size_t readInto(const std::string& path, std::span<std::uint8_t> target);

// Creates `temporary`, writes the pieces, flushes them to the disk and renames it to `target`. On failure
// nothing is left.
void writeAtomically(const std::string& temporary, const std::string& target,
                     const std::vector<std::span<const std::uint8_t>>& pieces);

}  // namespace lc::files
