// Several threads post, cancel and close at random.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "core/device_worker.h"
#include "toy.h"

namespace {

using lc::core::Error;
using lc::test::Batch;
using lc::test::check;
using lc::test::ToyDevice;

constexpr std::uint32_t kThreads = 4;
constexpr int kCalls = 300;  // of each thread

struct Tally {
  std::atomic<int> posted = 0;
  std::atomic<int> answered = 0;
  std::atomic<int> encoded = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> wrong = 0;

  void answer(const Error* error) {
    ++answered;
    if (error == nullptr) return;
    switch (error->code()) {
      case LC_CANCELLED:
        ++cancelled;
        return;
      case LC_INVALID:  // an engine that another thread has unloaded
      case LC_OUT_OF_MEMORY:
      case LC_DEVICE_LOST:
      case lc::core::kClosed:
        return;
      default:
        ++wrong;
    }
  }
};

class Caller {
 public:
  Caller(ToyDevice& device, Tally& tally, std::uint32_t index, std::uint64_t seed)
      : device_(device), tally_(tally), index_(index), random_(seed) {}

  void run() {
    for (int i = 0; i < kCalls; ++i) {
      const std::uint64_t dice = random_() % 100;
      if (dice < 60) {
        encode();
      } else if (dice < 90) {
        device_.worker->cancel(randomTicket());
      } else if (dice < 94) {
        ++tally_.posted;
        device_.worker->memoryFor(device_.engine, {1, 64, 64},
                                  [this](const Error* error, const auto&) { tally_.answer(error); });
      } else if (dice < 96) {
        ++tally_.posted;
        device_.worker->trim([this](const Error* error) { tally_.answer(error); });
      } else if (dice < 98) {
        ++tally_.posted;
        device_.worker->loadEngine({plan_.path(), 0, 3},
                                   [this](const Error* error, const auto&) { tally_.answer(error); });
      } else {
        ++tally_.posted;
        device_.worker->unloadEngine(static_cast<std::uint32_t>(2 + random_() % 10),
                                     [this](const Error* error) { tally_.answer(error); });
      }
    }
  }

 private:
  // Every caller has tickets of its own.
  std::uint64_t ticket(std::uint64_t turn, std::uint64_t caller) const { return turn * kThreads + caller; }
  // A recent one of any caller.
  std::uint64_t randomTicket() {
    return ticket(turn_ - std::min<std::uint64_t>(turn_, random_() % 8), random_() % kThreads);
  }

  void encode() {
    const auto side = static_cast<std::uint32_t>(8 * (1 + random_() % 6));
    const auto batch = std::make_shared<Batch>(1 + random_() % 4, side, 48, random_());
    ++tally_.posted;
    device_.worker->encode(batch->request(ticket(turn_++, index_), device_.engine),
                           [this, batch](const Error* error) {
                             tally_.answer(error);
                             if (error != nullptr) return;
                             ++tally_.encoded;
                             if (!batch->right()) ++tally_.wrong;
                           });
  }

  ToyDevice& device_;
  Tally& tally_;
  const std::uint32_t index_;
  std::mt19937_64 random_;
  const lc::test::TemporaryFile plan_{"toy"};
  std::uint64_t turn_ = 0;
};

// `closeAfter`: milliseconds until the device is closed under the callers; 0: when they are done.
void hammer(const char* options, std::uint64_t budget, std::uint32_t seed, int closeAfter) {
  Tally tally;
  std::vector<std::unique_ptr<Caller>> callers;
  {
    ToyDevice device(options, 1 + seed % 3, budget);
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < kThreads; ++i) {
      callers.push_back(std::make_unique<Caller>(device, tally, i, seed * 100 + i));
      threads.emplace_back([&caller = *callers.back()] { caller.run(); });
    }
    if (closeAfter > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(closeAfter));
      device.close();
    }
    for (std::thread& thread : threads) thread.join();
  }
  check(tally.answered == tally.posted, "seed %d, %s: %d answers to %d calls", static_cast<int>(seed),
        options, tally.answered.load(), tally.posted.load());
  check(tally.encoded > 0 || closeAfter > 0, "seed %d, %s: something is encoded", static_cast<int>(seed),
        options);
  check(tally.cancelled > 0 || closeAfter > 0, "seed %d, %s: something is cancelled", static_cast<int>(seed),
        options);
  check(tally.wrong == 0, "seed %d, %s: %d wrong answers", static_cast<int>(seed), options,
        tally.wrong.load());
  lc::test::checkToyIsEmpty(options);
}

}  // namespace

int main() {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    hammer("", 1 << 24, seed, 0);
    hammer("", 1 << 24, seed + 10, static_cast<int>(seed));
    // Room for some of the sizes only.
    hammer("", 60'000, seed + 20, 0);
    hammer("lose_at=100", 1 << 24, seed + 30, 0);
  }
  return lc::test::report();
}
