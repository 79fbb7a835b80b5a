// Words that are understood, and words that are refused by name.
#include "sim/settings.h"

#include <string>
#include <utility>

#include "sim/card.h"

namespace {

using lc::test::check;
using lc::test::kGiB;
using lc::test::kSmallCard;
using lc::test::opening;

void readsEveryWord() {
  const lc::sim::Settings read = lc::sim::parseSettings(
      "capacity=12GiB tflops=25.5 bandwidth=360 share=0.5 launch_us=250 context=300MiB pace=0.1 "
      "others=0:1GiB,2.5:1000 others_random=3GiB:20 seed=7 spill=8 leak=3 fail_alloc=4 lose_at_submit=5 "
      "lose_at_call=6 nan=1 world=a");
  check(read.capacity == 12 * kGiB && read.tflops == 25.5 && read.bandwidth == 360 && read.share == 0.5,
        "the card");
  check(read.launchSeconds == 250e-6 && read.context == 300 << 20 && read.pace == 0.1, "what it adds");
  check(read.others.size() == 2 && read.others[0].bytes == kGiB && read.others[1].second == 2.5 &&
            read.others[1].bytes == 1000,
        "the schedule of others");
  check(read.randomBytes == 3 * kGiB && read.randomPeriod == 20 && read.seed == 7, "others at random");
  check(read.spill == 8 && read.leak == 3 && read.failAlloc == 4 && read.loseAtSubmit == 5 &&
            read.loseAtCall == 6 && read.nan,
        "faults");
}

void takesTheLastOfEqualWords() {
  check(lc::sim::parseSettings(kSmallCard + "capacity=2GiB").capacity == 2 * kGiB, "the last word counts");
}

void refusesByName() {
  for (const auto& [words, name] : {std::pair{"colour=red", "colour=red is unknown"},
                                    {"pace", "pace is not key=value"},
                                    {"pace=fast", "pace=fast"},
                                    {"pace=-1", "pace=-1"},
                                    {"pace=nan", "pace=nan"},
                                    {"pace=inf", "pace=inf"},
                                    {"share=0", "share=0"},
                                    {"share=1.1", "share=1.1"},
                                    {"context=3MB", "context=3MB"},
                                    {"context=-1", "context=-1"},
                                    {"context=9999999GiB", "context=9999999GiB"},
                                    {"context=", "context="},
                                    {"others=1GiB", "others=1GiB"},
                                    {"others=2:1,1:1", "others=2:1,1:1"},
                                    {"others_random=1GiB:0", "others_random"},
                                    {"spill=0.5", "spill=0.5"},
                                    {"leak=1.5", "leak=1.5"},
                                    {"nan=2", "nan=2"},
                                    {"capacity=1", "capacity=1"}}) {
    const lc_error error = opening(kSmallCard + words);
    check(error.code == LC_INVALID && std::string(error.message).find(name) != std::string::npos, "%s: %s",
          words, error.message);
  }
}

void requiresTheCard() {
  for (const char* words :
       {"", "tflops=1 bandwidth=1", "capacity=1GiB bandwidth=1", "capacity=1GiB tflops=1"}) {
    const lc_error error = opening(words);
    check(error.code == LC_INVALID && std::string(error.message).find("is missing") != std::string::npos,
          "'%s': %s", words, error.message);
  }
}

}  // namespace

int main() {
  readsEveryWord();
  takesTheLastOfEqualWords();
  refusesByName();
  requiresTheCard();
  return lc::test::report();
}
