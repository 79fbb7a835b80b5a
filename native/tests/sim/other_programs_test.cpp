// Other programs' memory over simulated time.
#include "sim/other_programs.h"

#include <cmath>

#include "sim/card.h"

namespace {

using lc::sim::OtherPrograms;
using lc::sim::parseSettings;
using lc::sim::Settings;
using lc::test::Card;
using lc::test::check;
using lc::test::Context;
using lc::test::kGiB;
using lc::test::kMiB;
using lc::test::kSmallCard;

void follow() {
  const Settings settings = parseSettings(kSmallCard + "others=1:100,2:50,3:0");
  OtherPrograms others(settings);
  check(others.bytesAt(0) == 0 && others.bytesAt(0.99) == 0, "nothing before the first step");
  check(others.bytesAt(1) == 100 && others.bytesAt(1.9) == 100 && others.bytesAt(2) == 50 &&
            others.bytesAt(3) == 0 && others.bytesAt(1000) == 0,
        "each step from its second on");
}

void getNoMoreThanThereIs() {
  const Context context(kSmallCard + "others=0:700MiB");
  check(context.freeBytes() == kGiB - 700 * kMiB, "theirs is not free");
  Card card(context);
  check(card.allocate(400 * kMiB) == nullptr && card.allocate(324 * kMiB) != nullptr, "what is left is ours");
  check(context.freeBytes() == 0, "nothing is left");
}

void comeAndGo() {
  const Settings settings = parseSettings(kSmallCard + "others_random=3GiB:10 seed=5");
  OtherPrograms others(settings);
  OtherPrograms again(settings);
  int changes = 0;
  bool isThere = false;
  bool isSame = true;
  constexpr int seconds = 20'000;
  for (int second = 0; second < seconds; ++second) {
    const std::uint64_t bytes = others.bytesAt(second);
    isSame = isSame && bytes == again.bytesAt(second);
    if (bytes != 0 && bytes != 3 * kGiB) check(false, "all or nothing, not %g", static_cast<double>(bytes));
    if ((bytes != 0) != isThere) ++changes;
    isThere = bytes != 0;
  }
  check(isSame, "a seed gives one course of events");
  // 2000 changes of mean distance 10, less those that fall between two looks (a tenth is more than seen).
  check(changes > 1600 && changes < 2200, "the mean period is kept: %d changes", changes);
  const Settings another = parseSettings(kSmallCard + "others_random=3GiB:10 seed=6");
  OtherPrograms different(another);
  OtherPrograms first(settings);
  bool differs = false;
  for (int second = 0; second < 1000; ++second)
    differs = differs || different.bytesAt(second) != first.bytesAt(second);
  check(differs, "another seed gives another");
}

}  // namespace

int main() {
  follow();
  getNoMoreThanThereIs();
  comeAndGo();
  return lc::test::report();
}
