// Operations, bytes moved and bytes held, against counts made elsewhere: a script over the layers of the SD
// encoder, whose parameters add up to the known 34.16 million.
#include "sim/work.h"

#include <array>
#include <cmath>

#include "sim/card.h"
#include "sim/plan.h"

namespace {

using lc::sim::encoderWork;
using lc::test::check;
using lc::test::kMiB;

struct Known {
  std::uint32_t side;
  double teraOperations;
  double gigabytes;  // in fp16, with the group norms
};

constexpr std::array kKnown = {Known{512, 1.117, 2.77}, Known{768, 2.609, 6.23}, Known{1024, 4.879, 11.1},
                               Known{1536, 12.52, 24.9}, Known{2048, 26.11, 44.3}};

// To the digits that are known.
bool isClose(double value, double known) {
  return std::abs(value / known - 1) < 0.005;
}

void counts() {
  for (const auto& [side, teraOperations, gigabytes] : kKnown) {
    const lc::sim::Work work = encoderWork(side, side, 8);
    check(isClose(work.operations * 1e-12, teraOperations), "%u: %g TFLOP", side, work.operations * 1e-12);
    check(isClose(work.elements * 2e-9, gigabytes), "%u: %g GB", side, work.elements * 2e-9);
  }
}

void countsThePixelsOfOtherRatios() {
  const lc::sim::Work wide = encoderWork(512, 2048, 8);
  check(isClose(wide.operations * 1e-12, 4.879), "512x2048 has as many pixels and tokens as 1024x1024");
}

// 3 maps of 128 channels are 768 MiB at 1024x1024 in fp16; scores are 512 MiB there, 32 MiB at 512x512.
void holds() {
  const auto bytes = [](lc_shape shape, std::uint32_t chunks, std::uint32_t elementBytes) {
    return lc::sim::activationBytes(shape, 8, chunks, elementBytes);
  };
  check(bytes({1, 1024, 1024}, 1, 2) == (768 + 512) * kMiB, "1024 in fp16");
  check(bytes({1, 1024, 1024}, 4, 2) == (768 + 128) * kMiB, "1024 in fp16, scores in four parts");
  check(bytes({3, 1024, 1024}, 4, 2) == 3 * (768 + 128) * kMiB, "three of them");
  check(bytes({1, 1024, 1024}, 1, 4) == 2 * (768 + 512) * kMiB, "1024 in fp32");
  check(bytes({1, 512, 512}, 1, 2) == (192 + 32) * kMiB, "512 in fp16");
}

}  // namespace

int main() {
  counts();
  countsThePixelsOfOtherRatios();
  holds();
  return lc::test::report();
}
