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

// Fills `target` from the start of the file. Returns how many bytes there were, at most target.size() + 1:
// one more says that the file is longer.
std::size_t readInto(const std::string& path, std::span<std::uint8_t> target);

// Creates `temporary`, writes the pieces, flushes them to the disk and renames it to `target`. On failure
// nothing is left.
void writeAtomically(const std::string& temporary, const std::string& target,
                     const std::vector<std::span<const std::uint8_t>>& pieces);

}  // namespace lc::files
