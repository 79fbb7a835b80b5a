// Which operation on a file goes wrong, and how; see file_faults.cpp.
#pragma once

#include <dlfcn.h>

#include <mutex>
#include <string>
#include <string_view>

// The function of the C library that one of ours stands before.
#define LC_NEXT(name) (lc::faults::next<decltype(name)>(#name))

namespace lc::faults {

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

enum class Takes { kSpace, kNothing };
enum class Verdict { kPass, kFail, kHalf, kDieAfter };

class Faults {
 public:
  // Settings are those of the environment at the first call.
  static Faults& instance();

  bool covers(std::string_view path) const;

  // Counts an operation and says what becomes of it. kFail sets errno.
  Verdict judge(const char* operation, std::string_view path, Takes takes, bool isWrite = false);

  [[noreturn]] static void die();

 private:
  Faults();
  void log(const char* operation, std::string_view path) const;

  const std::string folder_;
  const std::string mode_;
  const long at_;
  int log_ = -1;
  std::mutex mutex_;
  long count_ = 0;
};

// Of an open file.
std::string pathOf(int descriptor);

// Of a path that is relative to an open folder, or to the current one (AT_FDCWD).
std::string absolute(int folder, const char* path);

}  // namespace lc::faults
