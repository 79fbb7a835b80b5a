// Capacity, granularity, fragmentation, the driver's context, spilling, leaking.
#include <array>
#include <cstdint>

#include "sim/card.h"

namespace {

using lc::test::Card;
using lc::test::check;
using lc::test::Context;
using lc::test::kGiB;
using lc::test::kMiB;
using lc::test::kSmallCard;

void ends() {
  const Context context(kSmallCard);
  Card card(context);
  void* first = card.allocate(600 * kMiB);
  check(first != nullptr && context.freeBytes() == kGiB - 600 * kMiB, "memory is taken from the card");
  check(card.allocate(425 * kMiB) == nullptr, "more than the card has is refused");
  check(card.error.code == LC_OUT_OF_MEMORY && card.error.bytes_asked == 425 * kMiB &&
            card.error.bytes_free == 424 * kMiB,
        "with the bytes asked and left");
  check(card.allocate(424 * kMiB) != nullptr && context.freeBytes() == 0, "what is left is given");
}

void comesInGranules() {
  const Context context(kSmallCard);
  Card card(context);
  void* block = card.allocate(1);
  check(context.freeBytes() == kGiB - 2 * kMiB, "a byte takes 2 MiB");
  card.release(block);
  block = card.allocate(2 * kMiB + 1);
  check(context.freeBytes() == kGiB - 4 * kMiB, "a byte more than 2 MiB takes 4");
  card.release(block);
  check(context.freeBytes() == kGiB, "all of it comes back");
}

void fragments() {
  const Context context(kSmallCard);
  Card card(context);
  std::array<void*, 4> quarters{};
  for (void*& quarter : quarters) quarter = card.allocate(256 * kMiB);
  card.release(quarters[0]);
  card.release(quarters[2]);
  check(context.freeBytes() == 512 * kMiB, "two quarters are free");
  check(card.allocate(300 * kMiB) == nullptr && card.error.bytes_free == 256 * kMiB,
        "but not in one piece, and the error tells the piece");
  card.release(quarters[1]);
  check(card.allocate(768 * kMiB) != nullptr, "neighbours become one piece");
}

void takesTheFirstHole() {
  const Context context(kSmallCard);
  Card card(context);
  void* first = card.allocate(2 * kMiB);
  void* second = card.allocate(2 * kMiB);
  check(static_cast<std::byte*>(second) == static_cast<std::byte*>(first) + 2 * kMiB, "side by side");
  card.release(first);
  check(card.allocate(2 * kMiB) == first, "the first hole that fits");
}

void keepsTheDriversContext() {
  const Context context(kSmallCard + "context=300MiB");
  check(context.freeBytes() == kGiB, "nothing is taken before a device is opened");
  {
    const Card card(context);
    const Card other(context);
    check(context.freeBytes() == kGiB - 300 * kMiB, "taken once for all devices");
  }
  check(context.freeBytes() == kGiB - 300 * kMiB, "kept when they are closed");
}

void countsWeights() {
  const Context context(kSmallCard);
  Card card(context, 100'000'000);
  lc_engine* engine = card.open();
  check(card.reserved() == 68'320'000, "weights are asked of the budget to the byte");
  check(context.freeBytes() == kGiB - 66 * kMiB, "and take granules of the card");
  check(card.open() == nullptr && card.error.code == LC_OUT_OF_MEMORY &&
            card.error.bytes_asked == 68'320'000 && card.error.bytes_free == 31'680'000,
        "a budget without room for them refuses");
  Card::close(engine);
  check(card.reserved() == 0 && context.freeBytes() == kGiB, "closing gives both back");
}

void isSharedByContextsOfOneWorld() {
  const Context one(kSmallCard + "world=shared");
  const Context same(kSmallCard + "world=shared");
  const Context other(kSmallCard + "world=apart");
  Card card(one);
  card.allocate(kMiB);
  check(same.freeBytes() == kGiB - 2 * kMiB && other.freeBytes() == kGiB, "by those with the same settings");
}

void spills() {
  const Context context(kSmallCard + "spill=8");
  Card card(context);
  check(card.allocate(800 * kMiB) != nullptr && card.allocate(800 * kMiB) != nullptr,
        "more than the card has is given");
  check(context.freeBytes() == 0, "nothing is free then");
  check(card.allocate(800 * kMiB) == nullptr, "the host's part ends too");
}

void leaks() {
  const Context context(kSmallCard + "leak=3");
  {
    Card card(context);
    for (int i = 0; i < 6; ++i) card.release(card.allocate(10 * kMiB));
    check(context.freeBytes() == kGiB - 20 * kMiB, "every third release gives nothing back");
  }
  check(context.freeBytes() == kGiB, "until the device is closed");
}

void freesWhatIsLeftBehind() {
  const Context context(kSmallCard);
  {
    Card card(context);
    card.allocate(10 * kMiB);
    card.allocateStaging(1000);
  }
  check(context.freeBytes() == kGiB, "a device that is closed leaves nothing");
}

}  // namespace

int main() {
  ends();
  comesInGranules();
  fragments();
  takesTheFirstHole();
  keepsTheDriversContext();
  countsWeights();
  isSharedByContextsOfOneWorld();
  spills();
  leaks();
  freesWhatIsLeftBehind();
  return lc::test::report();
}
