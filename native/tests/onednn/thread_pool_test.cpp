// Pieces of work on several threads.
#include "onednn/thread_pool.h"

#include <sched.h>

#include <stdexcept>
#include <string>

#include "check.h"
#include "plugin/failure.h"

using namespace lc::test;
using lc::onednn::ThreadPool;

namespace {

void checkEveryPieceOnce(std::uint32_t threads, std::size_t pieces) {
  ThreadPool pool(threads, {});
  std::vector<std::atomic<int>> visits(pieces);
  std::vector<std::atomic<int>> atWork(threads);
  std::atomic<bool> isAlone = true;
  pool.run(pieces, [&](std::size_t piece, std::uint32_t thread) {
    ++visits[piece];
    if (++atWork.at(thread) != 1) isAlone = false;
    std::this_thread::yield();
    --atWork[thread];
  });
  bool isOnce = true;
  for (const std::atomic<int>& count : visits) isOnce = isOnce && count == 1;
  check(isOnce, "%u threads take each of %zu pieces once", threads, pieces);
  check(isAlone, "%u threads, %zu pieces: no two at work have one number", threads, pieces);
}

void checkOneThread() {
  ThreadPool pool(1, {});
  check(pool.threads() == 1, "one thread is one");
  bool isHere = true;
  pool.run(10, [&, caller = std::this_thread::get_id()](std::size_t, std::uint32_t thread) {
    isHere = isHere && thread == 0 && std::this_thread::get_id() == caller;
  });
  check(isHere, "one thread is the caller's");
}

// Each round sees what the one before wrote, without any other synchronisation.
void checkRounds() {
  ThreadPool pool(4, {});
  constexpr int kRounds = 3000;
  std::vector<int> sums(7, 0);
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t first = static_cast<std::size_t>(round) % sums.size();
    pool.run(sums.size(), [&](std::size_t piece, std::uint32_t) { ++sums[(piece + first) % sums.size()]; });
  }
  bool isRight = true;
  for (const int sum : sums) isRight = isRight && sum == kRounds;
  check(isRight, "%d rounds count to %d in each place", kRounds, kRounds);
}

void checkException(std::uint32_t threads) {
  ThreadPool pool(threads, {});
  constexpr std::size_t kPieces = 2000;
  std::atomic<std::size_t> begun = 0;
  std::string message;
  try {
    pool.run(kPieces, [&](std::size_t piece, std::uint32_t) {
      ++begun;
      if (piece == 3) throw std::runtime_error("piece 3");
      std::this_thread::yield();
    });
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  check(message == "piece 3", "%u threads: what a piece throws is thrown by run", threads);
  check(threads > 1 || begun == 4, "one thread leaves out the pieces behind the one that throws");

  std::atomic<int> after = 0;
  pool.run(100, [&](std::size_t, std::uint32_t) { ++after; });
  check(after == 100, "%u threads: the pool works on after an exception", threads);
}

void checkAllThrow() {
  ThreadPool pool(3, {});
  int caught = 0;
  for (int round = 0; round < 200; ++round) {
    try {
      pool.run(3, [](std::size_t, std::uint32_t) { throw std::runtime_error("all"); });
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  check(caught == 200, "when all pieces throw, run throws once each round");
}

// The processors that this process may use.
std::vector<std::uint32_t> processorsOf(const cpu_set_t& set) {
  std::vector<std::uint32_t> processors;
  for (std::uint32_t processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) processors.push_back(processor);
  }
  return processors;
}

std::vector<std::uint32_t> processorsOfThisThread() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  return processorsOf(set);
}

void checkBinding() {
  const std::vector<std::uint32_t> all = processorsOfThisThread();
  const std::vector<std::uint32_t> last{all.back()};
  // On a thread that is not needed afterwards.
  std::thread([&] {
    ThreadPool pool(3, last);
    std::atomic<bool> isBound = true;
    // Each thread has a piece: none ends before all have begun.
    std::atomic<int> begun = 0;
    pool.run(3, [&](std::size_t, std::uint32_t) {
      ++begun;
      while (begun < 3) std::this_thread::yield();
      if (processorsOfThisThread() != last) isBound = false;
    });
    check(isBound, "all threads are bound to processor %u", last.front());
  }).join();
  check(processorsOfThisThread() == all, "other threads are not bound");

  ThreadPool pool(2, {});
  check(processorsOfThisThread() == all, "without processors nothing is bound");
}

lc_code codeOf(std::uint32_t threads, const std::vector<std::uint32_t>& processors) {
  try {
    const ThreadPool pool(threads, processors);
    return LC_OK;
  } catch (const lc::plugin::Failure& failure) {
    return failure.code();
  }
}

void checkRefusals() {
  check(codeOf(0, {}) == LC_INVALID, "no thread is LC_INVALID");
  check(codeOf(1, {100'000}) == LC_INVALID, "a processor that is not there is LC_INVALID");
  check(codeOf(1, {UINT32_MAX}) == LC_INVALID, "the largest number is no processor");
}

}  // namespace

int main() {
  for (const std::uint32_t threads : {1U, 2U, 3U, 5U}) {
    for (const std::size_t pieces : {0U, 1U, 2U, 7U, 1000U}) checkEveryPieceOnce(threads, pieces);
    checkException(threads);
  }
  checkOneThread();
  checkRounds();
  checkAllThrow();
  checkBinding();
  checkRefusals();
  return report();
}
