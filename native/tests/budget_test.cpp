// The byte budget, alone and from several threads.
#include "core/budget.h"

#include <cstdint>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using lc::core::Budget;
using lc::test::check;

void grantsUpToTheLimit() {
  Budget budget(100);
  std::uint64_t available = 0;
  check(budget.reserve(60, available) && available == 100, "60 of 100 are granted");
  check(!budget.reserve(41, available) && available == 40, "41 of the 40 left are refused");
  check(budget.reserve(40, available) && budget.used() == 100, "all that is left is granted");
  check(budget.denied() == 1, "one request was refused");
  budget.release(60);
  check(budget.used() == 40 && budget.peak() == 100, "the peak stays");
  check(!budget.reserve(UINT64_MAX, available), "no sum overflows");
}

void holdsUnderThreads() {
  Budget budget(1000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::uint64_t available = 0;
      for (int k = 0; k < 2000; ++k) {
        if (budget.reserve(300, available)) budget.release(300);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  check(budget.used() == 0, "what was reserved is released");
  check(budget.peak() <= 900, "never above the limit");
}

}  // namespace

int main() {
  grantsUpToTheLimit();
  holdsUnderThreads();
  return lc::test::report();
}
