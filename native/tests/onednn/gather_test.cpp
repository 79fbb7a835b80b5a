// Windows within a map, across each of its borders and beyond them.
#include "onednn/gather.h"

#include <vector>

#include "check.h"
#include "onednn/blocks.h"
#include "onednn_kernels.h"

using namespace lc::test;
using namespace lc::onednn;

namespace {

constexpr Extent kMap{5, 7};
constexpr std::uint32_t kChannels = 32;

const Window kWindows[] = {
    {0, 0, 5, 7},   {1, 2, 3, 4},     {-1, 0, 3, 3},  {4, 0, 3, 3},    {0, -1, 3, 3},
    {0, 6, 3, 3},   {-2, -3, 10, 14}, {-1, -1, 3, 3}, {3, 5, 4, 4},    {-1, 5, 4, 4},
    {3, -2, 4, 4},  {-3, 0, 3, 3},    {5, 0, 3, 3},   {0, -3, 3, 3},   {0, 7, 3, 3},
    {-9, -9, 2, 2}, {40, 50, 2, 2},   {2, 3, 1, 1},   {-70, 0, 75, 7}, {2, -100, 1, 205},
};

double rootMeanSquare(const float* pixel) {
  double squares = 0.0;
  for (std::uint32_t c = 0; c < kChannels; ++c) squares += double{pixel[c]} * pixel[c] / kChannels;
  return std::sqrt(squares);
}

struct Source {
  std::vector<float> values;
  std::vector<float> scale;
  std::vector<float> shift;

  Source() {
    std::mt19937 generator(1);
    values = randomValues(std::size_t{kMap.height} * kMap.width * kChannels, generator, 2.0F);
    scale = randomValues(kChannels, generator, 1.0F);
    shift = randomValues(kChannels, generator, 1.0F);
  }
  GatherSource plain() const { return {values.data(), kMap, kChannels, nullptr, nullptr, false}; }
  GatherSource activated() const {
    return {values.data(), kMap, kChannels, scale.data(), shift.data(), true};
  }
  GatherSource normalized() const { return {values.data(), kMap, kChannels, scale.data(), nullptr, true}; }

  // Of the window's pixel (y, x); zero beyond the map, also where the norm would shift it.
  double expected(const GatherSource& how, const Window& window, std::int64_t y, std::int64_t x,
                  std::uint32_t c) const {
    const std::int64_t row = window.top + y;
    const std::int64_t column = window.left + x;
    if (row < 0 || row >= kMap.height || column < 0 || column >= kMap.width) return 0.0;
    const float* pixel = values.data() + static_cast<std::size_t>(row * kMap.width + column) * kChannels;
    if (how.scale == nullptr) return pixel[c];
    const double scaled = how.shift == nullptr ? pixel[c] / rootMeanSquare(pixel) * scale[c]
                                               : double{pixel[c]} * scale[c] + shift[c];
    return scaled / (1.0 + std::exp(-scaled));
  }
};

// One float32 rounding of each operation, and that of the operand.
double toleranceOf(Operand operand, const GatherSource& how, double value) {
  const double arithmetic = how.scale == nullptr ? 0.0 : 2e-6;
  return arithmetic + std::fabs(value) * roundingOf(operand);
}

void checkWindow(const Source& source, const GatherSource& how, Operand operand, const Window& window) {
  const std::size_t pixels = std::size_t{window.height} * window.width;
  Guarded<std::uint16_t> target(pixels * kChannels * operandBytes(operand) / sizeof(std::uint16_t));
  gather(kernels(), operand, how, window, target.data(), pixels * kChannels);
  bool isRight = true;
  for (std::size_t i = 0; i < pixels * kChannels; ++i) {
    const std::size_t pixel = i / kChannels;
    const double value = source.expected(how, window, static_cast<std::int64_t>(pixel / window.width),
                                         static_cast<std::int64_t>(pixel % window.width), i % kChannels);
    const double actual =
        readOperand(operand, reinterpret_cast<unsigned char*>(target.data()), i, pixels * kChannels);
    isRight = isRight && std::fabs(actual - value) <= toleranceOf(operand, how, value);
  }
  check(isRight, "%s: the window at %d, %d of %u x %u", nameOf(operand), static_cast<int>(window.top),
        static_cast<int>(window.left), window.height, window.width);
  check(target.isIntact(), "%s: nothing beyond the window at %d, %d is written", nameOf(operand),
        static_cast<int>(window.top), static_cast<int>(window.left));
}

// (blocks of 16 channels, height, width, 16)
void checkBlocks(const Source& source, const GatherSource& how, const Window& window) {
  const std::size_t pixels = std::size_t{window.height} * window.width;
  Guarded<float> row(std::size_t{window.width} * kChannels);
  Guarded<float> target(pixels * kChannels);
  gatherBlocks(kernels(), how, window, row.data(), target.data());
  bool isRight = true;
  for (std::size_t i = 0; i < pixels * kChannels; ++i) {
    const std::size_t pixel = i / kChannelBlock % pixels;
    const auto channel =
        static_cast<std::uint32_t>(i / kChannelBlock / pixels * kChannelBlock + i % kChannelBlock);
    const double value = source.expected(how, window, static_cast<std::int64_t>(pixel / window.width),
                                         static_cast<std::int64_t>(pixel % window.width), channel);
    isRight = isRight && std::fabs(target[i] - value) <= toleranceOf(Operand::kFloat32, how, value);
  }
  check(isRight, "blocks: the window at %d, %d of %u x %u", static_cast<int>(window.top),
        static_cast<int>(window.left), window.height, window.width);
  check(target.isIntact() && row.isIntact(), "blocks: nothing beyond the window at %d, %d is written",
        static_cast<int>(window.top), static_cast<int>(window.left));
}

}  // namespace

int main() {
  const Source source;
  for (const GatherSource& how : {source.plain(), source.activated(), source.normalized()}) {
    for (const Window& window : kWindows) {
      for (const Operand operand : kOperands) checkWindow(source, how, operand, window);
      checkBlocks(source, how, window);
    }
  }
  return report();
}
