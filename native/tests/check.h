// A test is a program: it counts its checks, prints the failed ones and says how many passed.
#pragma once

#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace lc::test {

inline std::atomic<int> passed = 0;
inline std::atomic<int> failed = 0;

// The rest is for printf and describes the check that failed.
[[gnu::format(printf, 2, 3)]] inline void check(bool condition, const char* format, ...) {
  if (condition) {
    ++passed;
    return;
  }
  ++failed;
  std::va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "FAILED: ");
  std::vfprintf(stderr, format, arguments);
  std::fprintf(stderr, "\n");
  va_end(arguments);
}

// The exit status of main().
inline int report() {
  std::printf("%d checks passed, %d failed\n", passed.load(), failed.load());
  return failed == 0 ? 0 : 1;
}

}  // namespace lc::test
