// Operations, bytes moved and bytes held, by what an encoder costs for each pixel.
#include "sim/work.h"

#include <cstdint>

#include "sim/card.h"
#include "sim/plan.h"

namespace {

using lc::test::check;
using lc::test::kMiB;

// Of SD's encoder: what src/encoder/sim/work.ts counts.
constexpr lc::sim::Cost kCost = {4128642, 2048, 5283.375, 128};

void grows() {
  const lc::sim::Work work = kCost.of(1024.0 * 1024, 128.0 * 128);
  check(work.operations == 4128642.0 * 1024 * 1024 + 2048.0 * 128 * 128 * 128 * 128,
        "operations by the pixels, and those of the attention by the square of its tokens");
  check(work.elements == 5283.375 * 1024 * 1024, "elements by the pixels");
}

// 3 maps of 128 channels are 768 MiB at 1024x1024 in fp16; scores are 512 MiB there, 32 MiB at 512x512.
void holds() {
  const auto bytes = [](lc_shape shape, std::uint32_t chunks, std::uint32_t elementBytes) {
    return kCost.activationBytes(shape, std::uint64_t{shape.height / 8} * (shape.width / 8), chunks,
                                 elementBytes);
  };
  check(bytes({1, 1024, 1024}, 1, 2) == (768 + 512) * kMiB, "1024 in fp16");
  check(bytes({1, 1024, 1024}, 4, 2) == (768 + 128) * kMiB, "1024 in fp16, scores in four parts");
  check(bytes({3, 1024, 1024}, 4, 2) == 3 * (768 + 128) * kMiB, "three of them");
  check(bytes({1, 1024, 1024}, 1, 4) == 2 * (768 + 512) * kMiB, "1024 in fp32");
  check(bytes({1, 512, 512}, 1, 2) == (192 + 32) * kMiB, "512 in fp16");
}

void holdsNoScoresWithoutAttention() {
  const lc::sim::Cost tiny = {1, 0, 1, 64};
  check(tiny.activationBytes({1, 512, 512}, 0, 1, 2) == 96 * kMiB, "three maps of 64 channels");
}

}  // namespace

int main() {
  grows();
  holds();
  holdsNoScoresWithoutAttention();
  return lc::test::report();
}
