// The k-th allocation fails, the device is lost at the k-th call.
#include <cstdint>
#include <string>
#include <vector>

#include "sim/card.h"

namespace {

using lc::test::Card;
using lc::test::check;
using lc::test::Context;
using lc::test::kGiB;
using lc::test::kMiB;
using lc::test::kSmallCard;
using lc::test::randomImages;

constexpr lc_shape kShape = {1, 64, 64};

// A block, a staging buffer, weights. Returns how each ended.
std::vector<lc_code> allocateThree(const Context& context) {
  Card card(context);
  std::vector<lc_code> codes;
  void* block = card.allocate(kMiB);
  codes.push_back(card.error.code);
  void* staging = card.allocateStaging(1000);
  codes.push_back(card.error.code);
  lc_engine* engine = card.open();
  codes.push_back(card.error.code);
  if (block != nullptr) card.release(block);
  if (staging != nullptr) card.releaseStaging(staging);
  if (engine != nullptr) Card::close(engine);
  check(card.reserved() == 0, "the budget has everything back");
  return codes;
}

void failOneAllocation() {
  const std::vector<lc_code> failures = {LC_OUT_OF_MEMORY, LC_HOST_MEMORY, LC_OUT_OF_MEMORY};
  for (std::size_t k = 0; k < failures.size(); ++k) {
    const Context context(kSmallCard + "fail_alloc=" + std::to_string(k + 1));
    std::vector<lc_code> expected(3, LC_OK);
    expected[k] = failures[k];
    check(allocateThree(context) == expected, "allocation %zu fails and no other", k + 1);
    check(context.freeBytes() == kGiB, "nothing is left after it");
    check(allocateThree(context) == std::vector<lc_code>(3, LC_OK),
          "a device opened later has no such fault");
  }
}

void loseTheDeviceAtASubmit() {
  const Context context(kSmallCard + "lose_at_submit=2");
  Card card(context);
  lc_engine* engine = card.open();
  const std::vector<std::uint8_t> image = randomImages(kShape, 1);
  check(!card.run(engine, kShape, image).empty(), "the first run ends");
  check(card.run(engine, kShape, image).empty() && card.error.code == LC_DEVICE_LOST, "the second does not");
  check(card.allocate(1) == nullptr && card.error.code == LC_DEVICE_LOST, "nor does anything later");
  std::uint64_t free = 0;
  check(context.memory(free) == LC_DEVICE_LOST, "memory cannot be read either");
  Card::close(engine);
  check(card.reserved() == 0, "closing gives the budget back");
}

// Calls of a run: engine_open, engine_memory, block_alloc, submit, finish.
void loseTheDeviceAtEveryCall() {
  const std::vector<std::uint8_t> image = randomImages(kShape, 2);
  for (int k = 1; k <= 6; ++k) {
    const Context context(kSmallCard + "lose_at_call=" + std::to_string(k));
    Card card(context);
    lc_engine* engine = card.open();
    const bool ended = engine != nullptr && !card.run(engine, kShape, image).empty();
    check(ended == (k == 6), "lost at call %d", k);
    check(ended || card.error.code == LC_DEVICE_LOST, "call %d says so", k);
    if (engine != nullptr) Card::close(engine);
  }
}

}  // namespace

int main() {
  failOneAllocation();
  loseTheDeviceAtASubmit();
  loseTheDeviceAtEveryCall();
  return lc::test::report();
}
