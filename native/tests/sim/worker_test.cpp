// The simulated GPU behind the core's worker thread, as the addon uses it.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "core/device_worker.h"
#include "toy.h"

namespace {

using lc::core::DeviceWorker;
using lc::test::Answer;
using lc::test::check;
using lc::test::TemporaryFile;

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kCard = "capacity=1GiB tflops=1000000 bandwidth=1000000 context=10MiB ";
const std::string kPlan =
    "sim precision=fp16 chunks=1 maxcount=8 minheight=64 maxheight=256 minwidth=64 maxwidth=256 channels=8 "
    "stride=8 weights=1000000 operations=4128642 pairs=2048 elements=5283.375 width=128";

std::shared_ptr<lc::core::Context> open(const std::string& settings) {
  return lc::core::Context::open(LC_SIM_PLUGIN, {}, settings);
}

struct Device {
  explicit Device(const std::string& settings) : context(open(settings)) {
    lc::core::DeviceOptions options{};
    options.context = context;
    options.memoryBudget = std::uint64_t{1} << 29;
    options.slots = 2;
    const Answer<> opened;
    worker = std::make_unique<DeviceWorker>(std::move(options), opened.completion());
    check(opened.code() == LC_OK, "the device opens");
    const TemporaryFile file(kPlan);
    const Answer<lc::core::EngineInfo> answer;
    worker->loadEngine({file.path(), 0, kPlan.size()}, answer.completion());
    engine = answer.value().id;
  }
  void close() {
    const Answer<> closed;
    worker->close(closed.completion());
    closed.wait();
  }

  std::shared_ptr<lc::core::Context> context;
  std::unique_ptr<DeviceWorker> worker;
  std::uint32_t engine = 0;
};

struct Call {
  explicit Call(std::uint32_t side, std::uint8_t seed)
      : side(side), image(std::size_t{3} * side * side, seed), output(8 * (side / 8) * (side / 8), 1e9f) {}
  lc::core::EncodeRequest request(std::uint64_t ticket, std::uint32_t engine) {
    return {ticket, engine, {{image.data(), image.size()}}, side, side, output};
  }

  std::uint32_t side;
  std::vector<std::uint8_t> image;
  std::vector<float> output;
  Answer<> answer;
};

void worksWhileItsMemoryIsRead() {
  Device device(kCard + "world=read");
  std::atomic<bool> done = false;
  std::uint64_t least = UINT64_MAX;
  std::thread reader([&] {
    do {
      least = std::min(least, device.context->memoryInfo(0).freeBytes);
    } while (!done);
  });
  std::vector<Call> calls;
  for (int i = 0; i < 200; ++i) calls.emplace_back(i % 3 == 0 ? 256 : 64, static_cast<std::uint8_t>(i));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    device.worker->encode(calls[i].request(i, device.engine), calls[i].answer.completion());
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    check(calls[i].answer.code() == LC_OK && calls[i].output[0] <= 2, "call %zu is answered", i);
  }
  done = true;
  reader.join();
  device.close();
  check(least < 1024 * kMiB - 10 * kMiB, "others see what it holds");
  check(device.context->memoryInfo(0).freeBytes == 1014 * kMiB, "all but the driver's context comes back");
}

void failsItsCallsWhenItIsLost() {
  Device device(kCard + "lose_at_submit=3 world=lost");
  std::vector<Call> calls(6, Call(64, 7));
  std::vector<Answer<>> answers(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    device.worker->encode(calls[i].request(i, device.engine), answers[i].completion());
  }
  int lost = 0;
  for (const Answer<>& answer : answers) lost += answer.code() == LC_DEVICE_LOST ? 1 : 0;
  check(lost >= 4 && lost <= 6, "from the third on at the latest: %d", lost);
  device.close();
}

void survivesEveryAllocationThatFails() {
  for (int k = 1; k <= 6; ++k) {
    const std::string settings = kCard + "world=fail fail_alloc=" + std::to_string(k);
    Device device(settings);
    Call first(64, 1);
    device.worker->encode(first.request(1, device.engine), first.answer.completion());
    const bool failed = first.answer.code() != LC_OK;
    // weights, arena, two inputs, two outputs
    check(failed, "allocation %d is the engine's or the run's", k);
    if (k > 1) {
      Call second(64, 1);
      device.worker->encode(second.request(2, device.engine), second.answer.completion());
      check(second.answer.code() == LC_OK, "the next run has memory again");
    }
    device.close();
    check(device.context->memoryInfo(0).freeBytes == 1014 * kMiB, "nothing leaks");
  }
}

}  // namespace

int main() {
  worksWhileItsMemoryIsRead();
  failsItsCallsWhenItIsLost();
  survivesEveryAllocationThatFails();
  return lc::test::report();
}
