// What can go wrong on a device, and that it is usable afterwards.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/device_worker.h"
#include "toy.h"

namespace {

using lc::test::Answer;
using lc::test::Batch;
using lc::test::check;
using lc::test::Gate;
using lc::test::Outcome;
using lc::test::TemporaryFile;
using lc::test::ToyDevice;

// Does what it can until it has worked; reports each failure.
template <typename Attempt>
int failuresUntilItWorks(Attempt attempt, lc_code expected, const std::string& when) {
  for (int failures = 0; failures < 3; ++failures) {
    const Outcome outcome = attempt();
    if (outcome.code == LC_OK) return failures;
    check(outcome.code == expected, "%s: code %d, not %d", when.c_str(), outcome.code, expected);
    check(expected != LC_OUT_OF_MEMORY || outcome.bytesAsked > 0, "%s: the bytes are there", when.c_str());
  }
  check(false, "%s: fails again and again", when.c_str());
  return 3;
}

// An engine, a run and a larger run, with the k-th call of some kind failing.
//
// @returns how many steps failed
int workWithFailure(const char* kind, int k, lc_code expected) {
  const std::string options = kind + ("=" + std::to_string(k));
  ToyDevice device(options);
  const TemporaryFile plan("toy");
  int failures = failuresUntilItWorks(
      [&] {
        const Answer<lc::core::EngineInfo> loaded;
        device.worker->loadEngine({plan.path(), 0, 3}, loaded.completion());
        device.engine = loaded.value().id;
        return loaded.wait();
      },
      expected, options);
  for (const std::uint32_t size : {64u, 128u}) {
    Batch batch(2, size, size, size);
    failures += failuresUntilItWorks([&] { return device.encode(batch, size).wait(); }, expected, options);
    check(batch.right(), "%s: %u pixels are encoded at last", options.c_str(), size);
  }
  device.close();
  lc::test::checkToyIsEmpty(options.c_str());
  return failures;
}

void survivesEveryFailedCall() {
  // ToyDevice loads an engine on its own, which takes the first allocation.
  // blocks: 2 engines, 2 arenas; staging: input and output of 2 slots, twice; submit: 2
  const struct {
    const char* kind;
    int first;
    int last;
    lc_code code;
  } calls[] = {{"fail_alloc", 2, 4, LC_OUT_OF_MEMORY},
               {"fail_staging", 1, 8, LC_HOST_MEMORY},
               {"fail_submit", 1, 2, LC_INTERNAL}};
  for (const auto& call : calls) {
    for (int k = call.first; k <= call.last; ++k) {
      check(workWithFailure(call.kind, k, call.code) == 1, "%s=%d: one step fails", call.kind, k);
    }
    check(workWithFailure(call.kind, call.last + 1, call.code) == 0, "%s: there is no further call",
          call.kind);
  }
}

void saysWhatTheBudgetLacks() {
  ToyDevice device("", 2, 100'000);
  Batch large(8, 64, 64, 0);
  Batch small(1, 64, 64, 1);
  check(device.encode(small, 1).code() == LC_OK, "a small batch fits");
  const Outcome outcome = device.encode(large, 2).wait();
  check(outcome.code == LC_OUT_OF_MEMORY, "a large one does not");
  check(outcome.bytesAsked == device.memoryFor(large.shape()).arenaBytes && outcome.bytesFree == 99'000,
        "asked for the arena, with all but the weights left");
  check(device.worker->counters().memoryDenied == 1, "the refusal is counted");
  check(device.encode(small, 3).code() == LC_OK && small.right(), "a small one still works");
  ToyDevice cramped("capacity=20000", 1);
  const Outcome refused = cramped.encode(large, 1).wait();
  check(refused.code == LC_OUT_OF_MEMORY && refused.bytesFree == 19'000, "a device smaller than the budget");
}

void refusesWrongRequests() {
  ToyDevice device;
  Batch batch(1, 64, 64, 0);
  const auto codeOf = [&](const lc::core::EncodeRequest& request) {
    const Answer<> answer;
    device.worker->encode(request, answer.completion());
    return answer.code();
  };
  check(codeOf(batch.request(1, 99)) == LC_INVALID, "an unknown engine");
  lc::core::EncodeRequest request = batch.request(1, device.engine);
  request.height = 72;
  check(codeOf(request) == LC_INVALID, "images of another size than said");
  request = batch.request(1, device.engine);
  request.output = request.output.first(request.output.size() - 1);
  check(codeOf(request) == LC_INVALID, "an output that is too short");
  request = batch.request(1, device.engine);
  request.images.clear();
  check(codeOf(request) == LC_SHAPE, "no image at all");
  Batch many(9, 8, 8, 0);
  check(codeOf(many.request(1, device.engine)) == LC_SHAPE, "more images than the engine takes");
  const Answer<lc::core::RunMemory> memory;
  device.worker->memoryFor(device.engine, {1, 2048, 8}, memory.completion());
  check(memory.code() == LC_SHAPE, "memory for a shape that it does not take");
  check(codeOf(batch.request(1, device.engine)) == LC_OK && batch.right(),
        "a right one works after all that");
}

void refusesWrongPlans() {
  ToyDevice device;
  const TemporaryFile file("nonsense toy");
  const auto load = [&](const std::string& path, std::uint64_t offset, std::uint64_t bytes) {
    const Answer<lc::core::EngineInfo> answer;
    device.worker->loadEngine({path, offset, bytes}, answer.completion());
    return answer.code();
  };
  check(load(file.path(), 0, 8) == LC_ENGINE_INVALID, "bytes that are no plan");
  check(load(file.path(), 9, 4) == lc::core::kFileUnreadable, "a part past the end");
  check(load("/nowhere/plan", 0, 1) == lc::core::kFileUnreadable, "a missing file");
  check(load(file.path(), 9, 3) == LC_OK, "a plan inside of a file");
}

void reportsThatItDoesNotOpen() {
  ToyDevice device("fail_open=4");
  check(device.opened.code() == LC_NO_DEVICE, "opening fails");
  Batch batch(1, 64, 64, 0);
  check(device.encode(batch, 1).code() == LC_NO_DEVICE, "so does every job");
  device.close();
}

void survivesALostDevice() {
  for (int k = 1; k <= 4; ++k) {
    ToyDevice device("lose_at=" + std::to_string(k), 2);
    std::vector<Batch> batches;
    std::vector<Answer<>> answers;
    for (int i = 0; i < 4; ++i) batches.emplace_back(1, 64, 64, i);
    {
      const Gate gate(*device.worker);
      for (Batch& batch : batches) answers.push_back(device.encode(batch, answers.size()));
    }
    for (int i = 0; i < 4; ++i) {
      const lc_code expected = i + 1 < k ? LC_OK : LC_DEVICE_LOST;
      check(answers[i].code() == expected, "run %d of a device lost at run %d", i + 1, k);
      check(expected != LC_OK || batches[i].right(), "run %d before run %d is right", i + 1, k);
    }
    const Answer<> trimmed;
    device.worker->trim(trimmed.completion());
    check(trimmed.code() == LC_DEVICE_LOST, "every other job fails too");
    const TemporaryFile plan("toy");
    const Answer<lc::core::EngineInfo> loaded;
    device.worker->loadEngine({plan.path(), 0, 3}, loaded.completion());
    check(loaded.code() == LC_DEVICE_LOST, "engines included");
    device.close();
    check(device.worker->counters().memoryUsed == 0, "the budget is given back");
    lc::test::checkToyIsEmpty("after a lost device");
  }
}

}  // namespace

int main() {
  survivesEveryFailedCall();
  saysWhatTheBudgetLacks();
  refusesWrongRequests();
  refusesWrongPlans();
  reportsThatItDoesNotOpen();
  survivesALostDevice();
  lc::test::checkToyIsEmpty("at the end");
  return lc::test::report();
}
