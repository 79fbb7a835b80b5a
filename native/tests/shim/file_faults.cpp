// For LD_PRELOAD: counts the operations that change files below a folder and makes one of them fail.
//
//   LC_FAULTS_FOLDER  absolute path of the folder; without it nothing is counted
//   LC_FAULTS_LOG     a file outside of it, which gets one line for each operation: its name and path
//   LC_FAULTS_AT      which operation fails, counted from 1
//   LC_FAULTS_MODE    kill-before, kill-after: the process ends there, as by kill -9
//                     enospc, eio: that one fails and does nothing
//                     full: from that one on, whatever takes space fails with ENOSPC
//                     short: counts writes alone; that one writes half and says so
//
// What is mapped into memory is out of reach, as are programs that make system calls without the C library.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>

#include "faults.h"

#define LC_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using namespace lc::faults;

// Runs `act` unless it is the one to fail. All calls here answer -1 for a failure.
template <typename Act>
auto guarded(const char* operation, const std::string& path, Takes takes, Act act) -> decltype(act()) {
  Faults& faults = Faults::instance();
  if (!faults.covers(path)) return act();
  const Verdict verdict = faults.judge(operation, path, takes);
  if (verdict == Verdict::kFail) return -1;
  const auto result = act();
  if (verdict == Verdict::kDieAfter) Faults::die();
  return result;
}

// As `guarded`, for a descriptor and so many bytes; `act` is given how many of them to write.
template <typename Act>
ssize_t guardedWrite(const char* operation, int descriptor, std::size_t bytes, Act act) {
  Faults& faults = Faults::instance();
  const std::string path = pathOf(descriptor);
  if (!faults.covers(path)) return act(bytes);
  const Verdict verdict = faults.judge(operation, path, Takes::kSpace, true);
  if (verdict == Verdict::kFail) return -1;
  const ssize_t written = act(verdict == Verdict::kHalf && bytes > 1 ? bytes / 2 : bytes);
  if (verdict == Verdict::kDieAfter) Faults::die();
  return written;
}

constexpr int kChanges = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

template <typename Open>
int guardedOpen(int folder, const char* path, int flags, Open open) {
  if ((flags & kChanges) == 0) return open();
  return guarded("open", absolute(folder, path), Takes::kSpace, open);
}

mode_t modeOf(int flags, std::va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

std::size_t sum(const iovec* pieces, int count) {
  std::size_t bytes = 0;
  for (int index = 0; index < count; ++index) bytes += pieces[index].iov_len;
  return bytes;
}

// The first `bytes` of the pieces: whole ones, or a part of the first.
template <typename Write>
ssize_t writeSome(const iovec* pieces, int count, std::size_t bytes, Write write) {
  int whole = 0;
  std::size_t taken = 0;
  while (whole < count && taken + pieces[whole].iov_len <= bytes) taken += pieces[whole++].iov_len;
  if (whole > 0) return write(pieces, whole);
  const iovec part{pieces[0].iov_base, bytes};
  return write(&part, 1);
}

}  // namespace

#define LC_OPEN(name)                                                                            \
  LC_EXPORT int name(const char* path, int flags, ...) {                                         \
    std::va_list arguments;                                                                      \
    va_start(arguments, flags);                                                                  \
    const mode_t mode = modeOf(flags, arguments);                                                \
    va_end(arguments);                                                                           \
    return guardedOpen(AT_FDCWD, path, flags, [&] { return LC_NEXT(name)(path, flags, mode); }); \
  }
#define LC_OPENAT(name)                                                                                \
  LC_EXPORT int name(int folder, const char* path, int flags, ...) {                                   \
    std::va_list arguments;                                                                            \
    va_start(arguments, flags);                                                                        \
    const mode_t mode = modeOf(flags, arguments);                                                      \
    va_end(arguments);                                                                                 \
    return guardedOpen(folder, path, flags, [&] { return LC_NEXT(name)(folder, path, flags, mode); }); \
  }
LC_OPEN(open)
LC_OPEN(open64)
LC_OPENAT(openat)
LC_OPENAT(openat64)

LC_EXPORT ssize_t write(int descriptor, const void* bytes, std::size_t count) {
  return guardedWrite("write", descriptor, count,
                      [=](std::size_t part) { return LC_NEXT(write)(descriptor, bytes, part); });
}
LC_EXPORT ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t at) {
  return guardedWrite("pwrite", descriptor, count,
                      [=](std::size_t part) { return LC_NEXT(pwrite)(descriptor, bytes, part, at); });
}
LC_EXPORT ssize_t pwrite64(int descriptor, const void* bytes, std::size_t count, off64_t at) {
  return pwrite(descriptor, bytes, count, at);
}
LC_EXPORT ssize_t writev(int descriptor, const iovec* pieces, int count) {
  return guardedWrite("writev", descriptor, sum(pieces, count), [=](std::size_t part) {
    return writeSome(pieces, count, part,
                     [=](const iovec* some, int left) { return LC_NEXT(writev)(descriptor, some, left); });
  });
}
LC_EXPORT ssize_t pwritev(int descriptor, const iovec* pieces, int count, off_t at) {
  return guardedWrite("pwritev", descriptor, sum(pieces, count), [=](std::size_t part) {
    return writeSome(pieces, count, part, [=](const iovec* some, int left) {
      return LC_NEXT(pwritev)(descriptor, some, left, at);
    });
  });
}
LC_EXPORT ssize_t pwritev64(int descriptor, const iovec* pieces, int count, off64_t at) {
  return pwritev(descriptor, pieces, count, at);
}

// Where some file systems tell of a write that failed. The descriptor is gone all the same.
LC_EXPORT int close(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return LC_NEXT(close)(descriptor);
  const std::string path = pathOf(descriptor);
  const int result = guarded("close", path, Takes::kSpace, [=] { return LC_NEXT(close)(descriptor); });
  if (result != 0) {
    const int error = errno;
    LC_NEXT(close)(descriptor);
    errno = error;
  }
  return result;
}

LC_EXPORT int fsync(int descriptor) {
  return guarded("fsync", pathOf(descriptor), Takes::kSpace, [=] { return LC_NEXT(fsync)(descriptor); });
}
LC_EXPORT int fdatasync(int descriptor) {
  return guarded("fdatasync", pathOf(descriptor), Takes::kSpace,
                 [=] { return LC_NEXT(fdatasync)(descriptor); });
}
LC_EXPORT int ftruncate(int descriptor, off_t bytes) noexcept {
  return guarded("ftruncate", pathOf(descriptor), Takes::kSpace,
                 [=] { return LC_NEXT(ftruncate)(descriptor, bytes); });
}
LC_EXPORT int ftruncate64(int descriptor, off64_t bytes) noexcept {
  return ftruncate(descriptor, bytes);
}

LC_EXPORT int rename(const char* from, const char* to) noexcept {
  return guarded("rename", absolute(AT_FDCWD, to), Takes::kNothing,
                 [=] { return LC_NEXT(rename)(from, to); });
}
LC_EXPORT int renameat(int fromFolder, const char* from, int toFolder, const char* to) noexcept {
  return guarded("rename", absolute(toFolder, to), Takes::kNothing,
                 [=] { return LC_NEXT(renameat)(fromFolder, from, toFolder, to); });
}
LC_EXPORT int renameat2(int fromFolder, const char* from, int toFolder, const char* to,
                        unsigned int flags) noexcept {
  return guarded("rename", absolute(toFolder, to), Takes::kNothing,
                 [=] { return LC_NEXT(renameat2)(fromFolder, from, toFolder, to, flags); });
}
LC_EXPORT int link(const char* from, const char* to) noexcept {
  return guarded("link", absolute(AT_FDCWD, to), Takes::kSpace, [=] { return LC_NEXT(link)(from, to); });
}
LC_EXPORT int symlink(const char* from, const char* to) noexcept {
  return guarded("symlink", absolute(AT_FDCWD, to), Takes::kSpace,
                 [=] { return LC_NEXT(symlink)(from, to); });
}
LC_EXPORT int mkdir(const char* path, mode_t mode) noexcept {
  return guarded("mkdir", absolute(AT_FDCWD, path), Takes::kSpace,
                 [=] { return LC_NEXT(mkdir)(path, mode); });
}
LC_EXPORT int unlink(const char* path) noexcept {
  return guarded("unlink", absolute(AT_FDCWD, path), Takes::kNothing, [=] { return LC_NEXT(unlink)(path); });
}
LC_EXPORT int unlinkat(int folder, const char* path, int flags) noexcept {
  return guarded("unlink", absolute(folder, path), Takes::kNothing,
                 [=] { return LC_NEXT(unlinkat)(folder, path, flags); });
}
LC_EXPORT int rmdir(const char* path) noexcept {
  return guarded("rmdir", absolute(AT_FDCWD, path), Takes::kNothing, [=] { return LC_NEXT(rmdir)(path); });
}
