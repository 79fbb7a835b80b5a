#include "files.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace lc::files {
namespace {

// strerrorname_np would need glibc 2.32.
constexpr std::array<std::pair<int, const char*>, 18> kNames = {{
    {ENOENT, "ENOENT"},
    {EACCES, "EACCES"},
    {EPERM, "EPERM"},
    {EISDIR, "EISDIR"},
    {ENOTDIR, "ENOTDIR"},
    {ELOOP, "ELOOP"},
    {EEXIST, "EEXIST"},
    {ENOSPC, "ENOSPC"},
    {EDQUOT, "EDQUOT"},
    {EROFS, "EROFS"},
    {EIO, "EIO"},
    {EFBIG, "EFBIG"},
    {EMFILE, "EMFILE"},
    {ENFILE, "ENFILE"},
    {ENOMEM, "ENOMEM"},
    {EBUSY, "EBUSY"},
    {ESTALE, "ESTALE"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
}};

const char* nameOf(int error) {
  for (const auto& [number, name] : kNames) {
    if (number == error) return name;
  }
  return "UNKNOWN";
}

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (number_ < 0) throw SystemError(errno, "open", path);
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

  // Some file systems report a failed write only here.
  void close(const std::string& path) {
    if (::close(std::exchange(number_, -1)) != 0) throw SystemError(errno, "close", path);
  }

 private:
  int number_;
};

std::size_t readSome(const Descriptor& file, std::span<std::uint8_t> target, const std::string& path) {
  std::size_t done = 0;
  while (done < target.size()) {
    const ssize_t count = ::read(file.number(), target.data() + done, target.size() - done);
    if (count < 0) {
      if (errno == EINTR) continue;
      throw SystemError(errno, "read", path);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

// All pieces in one call, as far as the system takes them.
void writeAll(const Descriptor& file, const std::vector<std::span<const std::uint8_t>>& pieces,
              const std::string& path) {
  std::vector<iovec> left;
  for (const auto& piece : pieces) {
    // writev takes pointers that are not const and leaves the bytes alone.
    if (!piece.empty()) left.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
  }
  for (std::span<iovec> rest(left); !rest.empty();) {
    const ssize_t count =
        ::writev(file.number(), rest.data(), static_cast<int>(std::min<std::size_t>(rest.size(), IOV_MAX)));
    if (count < 0) {
      if (errno == EINTR) continue;
      throw SystemError(errno, "write", path);
    }
    auto done = static_cast<std::size_t>(count);
    while (!rest.empty() && done >= rest.front().iov_len) {
      done -= rest.front().iov_len;
      rest = rest.subspan(1);
    }
    if (done == 0) continue;
    rest.front().iov_base = static_cast<std::uint8_t*>(rest.front().iov_base) + done;
    rest.front().iov_len -= done;
  }
}

}  // namespace

SystemError::SystemError(int error, const char* operation, const std::string& path)
    : std::runtime_error(std::string(nameOf(error)) + ": " + std::strerror(error) + ", " + operation + " '" +
                         path + "'"),
      code_(nameOf(error)) {}

Status inspect(const std::string& path, std::span<std::uint8_t> head) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw SystemError(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) return {S_ISDIR(status.st_mode) ? Kind::kFolder : Kind::kOther, 0, 0};
  const Descriptor file(path, O_RDONLY);
  return {Kind::kFile, static_cast<std::uint64_t>(status.st_size), readSome(file, head, path)};
}

std::size_t readInto(const std::string& path, std::span<std::uint8_t> target) {
  const Descriptor file(path, O_RDONLY);
  const std::size_t count = readSome(file, target, path);
  std::uint8_t next = 0;
  return count + readSome(file, {&next, 1}, path);
}

void writeAtomically(const std::string& temporary, const std::string& target,
                     const std::vector<std::span<const std::uint8_t>>& pieces) {
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
  try {
    writeAll(file, pieces, temporary);
    if (::fsync(file.number()) != 0) throw SystemError(errno, "fsync", temporary);
    file.close(temporary);
    if (std::rename(temporary.c_str(), target.c_str()) != 0) throw SystemError(errno, "rename", target);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace lc::files
