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
constexpr std::array<std::pair<int, const char*>, 23> kNames = {{
    {ENOENT, "ENOENT"}, {EACCES, "EACCES"},   {EPERM, "EPERM"},
    {EISDIR, "EISDIR"}, {ENOTDIR, "ENOTDIR"}, {ELOOP, "ELOOP"},
    {EEXIST, "EEXIST"}, {ENOSPC, "ENOSPC"},   {EDQUOT, "EDQUOT"},
    {EROFS, "EROFS"},   {EIO, "EIO"},         {EFBIG, "EFBIG"},
    {EMFILE, "EMFILE"}, {ENFILE, "ENFILE"},   {ENOMEM, "ENOMEM"},
    {EBUSY, "EBUSY"},   {ESTALE, "ESTALE"},   {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENOLCK, "ENOLCK"}, {ENOSYS, "ENOSYS"},   {EOPNOTSUPP, "EOPNOTSUPP"},
    {EINVAL, "EINVAL"}, {EBADF, "EBADF"},
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

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::int64_t kindOf(mode_t mode) {
  if (S_ISREG(mode)) return 1;
  return S_ISDIR(mode) ? 2 : 3;
}

// A lock of the open file, not of the process: closing some other descriptor of it does not end it.
struct flock wholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string named(int descriptor) {
  return "descriptor " + std::to_string(descriptor);
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

State stateOf(const std::string& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {kindOf(status.st_mode), status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

bool tryLock(int descriptor) {
  struct flock lock = wholeFile();
  if (::fcntl(descriptor, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  throw SystemError(errno, "lock", named(descriptor));
}

bool isLocked(int descriptor) {
  struct flock lock = wholeFile();
  if (::fcntl(descriptor, F_OFD_GETLK, &lock) != 0) throw SystemError(errno, "lock", named(descriptor));
  return lock.l_type != F_UNLCK;
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
