// One device and its thread: results, order, cancellation, closing, failures.
#include "core/device_worker.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "toy.h"

namespace {

using lc::core::DeviceWorker;
using lc::test::Answer;
using lc::test::Batch;
using lc::test::check;
using lc::test::Gate;
using lc::test::Outcome;
using lc::test::ToyDevice;

void fillsEveryOutput() {
  ToyDevice device;
  // Sizes that grow, shrink and differ in shape alone: the arena is used as it is, divided anew and replaced.
  std::vector<Batch> batches;
  std::uint64_t seed = 0;
  for (const auto& [count, height, width] :
       {std::array{1u, 64u, 64u}, {8u, 64u, 96u}, {2u, 96u, 64u}, {1u, 256u, 128u}, {3u, 8u, 8u}, {8u, 64u, 96u}}) {
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
    device.worker->encode(batches[i].request(i, i % 7 == 3 ? 99 : device.engine),
                          [&order, i](const lc::core::Error*) { order.push_back(i); });
  }
  device.close();
  // What the worker had not taken was dropped at close, in order too, but on this thread.
  check(order.size() == 20, "each is answered");
}

}  // namespace
