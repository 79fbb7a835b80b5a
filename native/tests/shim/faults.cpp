#include "faults.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>

namespace lc::faults {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Verdict fail(int error) {
  errno = error;
  return Verdict::kFail;
}

}  // namespace

Faults::Faults()
    : folder_(environment("LC_FAULTS_FOLDER")),
      mode_(environment("LC_FAULTS_MODE")),
      at_(std::atol(environment("LC_FAULTS_AT").c_str())) {
  const std::string log = environment("LC_FAULTS_LOG");
  if (!log.empty()) log_ = LC_NEXT(open)(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

Faults& Faults::instance() {
  // Never destroyed: threads may write until the very end.
  static Faults& faults = *new Faults;
  return faults;
}

bool Faults::covers(std::string_view path) const {
  return !folder_.empty() && path.starts_with(folder_) &&
         (path.size() == folder_.size() || path[folder_.size()] == '/');
}

Verdict Faults::judge(const char* operation, std::string_view path, Takes takes, bool isWrite) {
  const std::lock_guard lock(mutex_);
  if (mode_ == "short" && !isWrite) return Verdict::kPass;
  ++count_;
  log(operation, path);
  if (mode_ == "full" && at_ > 0 && count_ >= at_ && takes == Takes::kSpace) return fail(ENOSPC);
  if (count_ != at_) return Verdict::kPass;
  if (mode_ == "kill-before") die();
  if (mode_ == "kill-after") return Verdict::kDieAfter;
  if (mode_ == "enospc") return fail(ENOSPC);
  if (mode_ == "eio") return fail(EIO);
  return mode_ == "short" ? Verdict::kHalf : Verdict::kPass;
}

void Faults::die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

void Faults::log(const char* operation, std::string_view path) const {
  if (log_ < 0) return;
  const std::string line = std::string(operation) + ' ' + std::string(path) + '\n';
  // A log that cannot be written has no one to tell.
  [[maybe_unused]] const ssize_t written = LC_NEXT(write)(log_, line.data(), line.size());
}

std::string pathOf(int descriptor) {
  std::array<char, PATH_MAX> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return length < 0 ? "" : std::string(path.data(), static_cast<std::size_t>(length));
}

std::string absolute(int folder, const char* path) {
  if (path == nullptr || path[0] == '/') return path == nullptr ? "" : path;
  if (folder != AT_FDCWD) return pathOf(folder) + '/' + path;
  std::array<char, PATH_MAX> current{};
  return ::getcwd(current.data(), current.size()) == nullptr ? path
                                                             : std::string(current.data()) + '/' + path;
}

}  // namespace lc::faults
