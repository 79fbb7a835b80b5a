// One device and its thread: results, order, cancellation, closing, failures.
#include "core/device_worker.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "toy.h"

namespace {

using lc::core::DeviceWorker;
using lc::test::Answer;
using lc::test::Batch;
using lc::test::check;
using lc::test::Gate;
using lc::test::ToyDevice;

void fillsEveryOutput() {
  ToyDevice device;
  // Sizes that grow, shrink and differ in shape alone: the arena is used as it is, divided anew and replaced.
  std::vector<Batch> batches;
  std::uint64_t seed = 0;
  for (const auto& [count, height, width] : {std::array{1u, 64u, 64u},
                                             {8u, 64u, 96u},
                                             {2u, 96u, 64u},
                                             {1u, 256u, 128u},
                                             {3u, 8u, 8u},
                                             {8u, 64u, 96u}}) {
    batches.emplace_back(count, height, width, ++seed);
  }
  std::vector<Answer<>> answers;
  for (Batch& batch : batches) answers.push_back(device.encode(batch, answers.size()));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    check(answers[i].code() == LC_OK && batches[i].right(), "batch %zu is encoded", i);
  }
}

void answersInOrder() {
  ToyDevice device;
  std::vector<int> order;
  std::vector<Batch> batches;
  for (int i = 0; i < 20; ++i) batches.emplace_back(1, 8 * (1 + i % 3), 8, i);
  for (int i = 0; i < 20; ++i) {
    device.worker->encode(batches[i].request(i, device.engine),
                          [&order, i](const lc::core::Error*) { order.push_back(i); });
  }
  const Answer<> last;
  device.worker->trim(last.completion());
  last.wait();
  check(order.size() == 20 && std::ranges::is_sorted(order), "answers come in the order of the calls");
}

// Runs four encodes that wait together.
void encodeFour(ToyDevice& device) {
  std::vector<Batch> batches;
  std::vector<Answer<>> answers;
  for (int i = 0; i < 4; ++i) batches.emplace_back(2, 64, 64, i);
  {
    const Gate gate(*device.worker);
    for (Batch& batch : batches) answers.push_back(device.encode(batch, answers.size()));
    check(device.worker->counters().waiting == 4, "four encodes wait");
  }
  for (const Answer<>& answer : answers) answer.wait();
}

// First of all tests: the toy counts over the whole process.
void overlapsRuns() {
  for (const std::uint32_t slots : {1u, 2u, 3u}) {
    ToyDevice device("", slots);
    encodeFour(device);
    check(lc::test::toyCounters().most_in_flight == slots, "%u slots: as many runs are in flight", slots);
  }
}

void countsWhatItHolds() {
  ToyDevice device("", 2, 1'000'000);
  Batch batch(1, 64, 64, 0);
  check(device.encode(batch, 1).code() == LC_OK, "a batch is encoded");
  const lc::core::RunMemory memory = device.memoryFor(batch.shape());
  // activations 64 x 64 x 4, input 64 x 64 x 3, output 8 x 8 x 8 x 4: all multiples of 512
  check(memory.activationBytes == 16384 && memory.inputBytes == 12288 && memory.outputBytes == 2048,
        "bytes of a run");
  check(memory.arenaBytes == 16384 + 2 * (12288 + 2048), "bytes of the arena");
  const lc::core::DeviceCounters counters = device.worker->counters();
  check(counters.arenaBytes == memory.arenaBytes && counters.enginesLoaded == 1, "counters of the device");
  // The toy's engine holds 1000 bytes.
  check(counters.memoryUsed == memory.arenaBytes + 1000 && counters.memoryPeak == counters.memoryUsed,
        "memory in use");
  check(counters.memoryBudget == 1'000'000 && counters.waiting == 0 && counters.running == 0,
        "nothing waits");
}

void trims() {
  ToyDevice device;
  Batch batch(1, 64, 64, 0);
  device.encode(batch, 1).wait();
  const Answer<> trimmed;
  device.worker->trim(trimmed.completion());
  check(trimmed.code() == LC_OK && device.worker->counters().memoryUsed == 1000, "only the engine is left");
  check(lc::test::toyCounters().live_bytes == 1000, "the staging buffers are gone too");
  Batch next(1, 64, 64, 1);
  check(device.encode(next, 2).code() == LC_OK && next.right(), "the next run allocates again");
}

void unloadsEngines() {
  ToyDevice device;
  const std::uint32_t other = device.loadPlan("toy weights=500");
  check(device.worker->counters().memoryUsed == 1500, "two engines");
  const Answer<> unloaded;
  device.worker->unloadEngine(other, unloaded.completion());
  check(unloaded.code() == LC_OK && device.worker->counters().memoryUsed == 1000, "one is unloaded");
  const Answer<> again;
  device.worker->unloadEngine(other, again.completion());
  check(again.code() == LC_INVALID, "it is not known any more");
}

void cancelsWaitingJobs() {
  ToyDevice device;
  Batch kept(1, 64, 64, 0);
  Batch dropped(1, 64, 64, 1);
  Gate gate(*device.worker);
  const Answer<> keeps = device.encode(kept, 1);
  const Answer<> drops = device.encode(dropped, 2);
  check(device.worker->cancel(2), "a waiting job is known");
  check(drops.calls() == 1 && drops.wait().thread == std::this_thread::get_id(), "it is answered at once");
  check(drops.code() == LC_CANCELLED, "as cancelled");
  check(!device.worker->cancel(2), "and is not known any more");
  gate.open();
  check(keeps.code() == LC_OK && kept.right(), "the other one goes on");
  check(dropped.untouched(), "nothing is written for a cancelled one");
  check(!device.worker->cancel(1), "a job that has ended is not known");
}

void cancelsRunningJobs() {
  ToyDevice device;
  Batch first(1, 64, 64, 0);
  Batch second(1, 64, 64, 1);
  const Answer<> answer;
  std::atomic<bool> known = false;
  std::atomic<bool> early = true;
  {
    const Gate gate(*device.worker);
    // Both are on the device when the first one is answered.
    device.worker->encode(first.request(1, device.engine), [&](const lc::core::Error*) {
      known = device.worker->cancel(2);
      early = answer.calls() > 0;
    });
    device.worker->encode(second.request(2, device.engine), answer.completion());
  }
  check(answer.code() == LC_CANCELLED && known && !early, "a running job is cancelled when it ends");
  check(second.untouched(), "nothing is written for it");
}

void closesWithJobsInEveryState() {
  ToyDevice device;
  Batch running(1, 64, 64, 0);
  Batch waiting(1, 64, 64, 1);
  Batch another(1, 64, 64, 2);
  const Answer<> ran;
  Answer<> dropped;
  const Answer<> closed;
  int answeredBefore = -1;
  {
    Gate gate(*device.worker);
    const Answer<> first;
    // When this one is answered, `running` is on the device and `waiting` is not, for want of a slot.
    device.worker->encode(another.request(1, device.engine), [&](const lc::core::Error* error) {
      device.worker->close([&, done = closed.completion()](const lc::core::Error* none) {
        answeredBefore = ran.calls() + dropped.calls();
        done(none);
      });
      first.completion()(error);
    });
    device.worker->encode(running.request(2, device.engine), ran.completion());
    dropped = device.encode(waiting, 3);
    gate.open();
    check(first.code() == LC_OK, "the first run ends");
  }
  check(ran.code() == LC_OK && running.right(), "what is on the device is finished");
  check(dropped.code() == lc::core::kClosed && waiting.untouched(), "what waits is dropped");
  check(closed.code() == LC_OK && answeredBefore == 2, "closed comes after all of them");
  lc::test::checkToyIsEmpty("when closed is answered");
  check(device.encode(waiting, 4).code() == lc::core::kClosed, "a later job is refused");
  const Answer<> again;
  device.worker->close(again.completion());
  check(again.calls() == 1, "a closed device is closed at once");
}

void closesWhileItOpens() {
  lc::test::toyOptions("");
  for (int i = 0; i < 20; ++i) {
    const Answer<> opened;
    { DeviceWorker worker(lc::test::toyDevice(1000, 1), opened.completion()); }
    check(opened.calls() == 1 && (opened.code() == LC_OK || opened.code() == lc::core::kClosed),
          "a device that is destroyed at once has answered");
  }
}

void isDestroyedByACompletion() {
  ToyDevice device;
  const Answer<> done;
  auto* worker = device.worker.release();
  worker->trim([worker, finished = done.completion()](const lc::core::Error* error) {
    delete worker;
    finished(error);
  });
  check(done.code() == LC_OK, "a completion may destroy the device");
  while (lc::test::toyCounters().live_devices != 0) std::this_thread::yield();
}

void ignoresWhatCompletionsThrow() {
  ToyDevice device;
  device.worker->trim([](const lc::core::Error*) { throw std::runtime_error("thrown by a completion"); });
  Batch batch(1, 64, 64, 0);
  check(device.encode(batch, 1).code() == LC_OK && batch.right(), "the thread goes on");
}

}  // namespace

int main() {
  overlapsRuns();
  fillsEveryOutput();
  answersInOrder();
  countsWhatItHolds();
  trims();
  unloadsEngines();
  cancelsWaitingJobs();
  cancelsRunningJobs();
  closesWithJobsInEveryState();
  closesWhileItOpens();
  isDestroyedByACompletion();
  ignoresWhatCompletionsThrow();
  lc::test::checkToyIsEmpty("at the end");
  return lc::test::report();
}
