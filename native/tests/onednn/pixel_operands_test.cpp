// Windows of pixels as operands, and the weights that they meet.
#include "onednn/pixel_operands.h"

#include <vector>

#include "check.h"
#include "onednn_kernels.h"

using namespace lc::test;
using namespace lc::onednn;

namespace {

constexpr std::uint32_t kWindow = 27;
constexpr std::uint32_t kColours = 3;

// An operand or a weight of either kind, by its place in a row.
double valueAt(Operand operand, const std::vector<std::byte>& rows, std::size_t place) {
  return readOperand(operand, reinterpret_cast<const unsigned char*>(rows.data()), place, 0);
}

std::vector<std::byte> operandsOf(lc_pixel_range range, Operand operand,
                                  const std::vector<std::uint8_t>& image, const Extent& size,
                                  const Tiling& tiling, std::uint32_t tile) {
  const std::size_t rows = std::size_t{tiling.tile().height} * tiling.tile().width;
  std::vector<std::byte> operands(rows * pixelOperandLength(operand) * operandBytes(operand),
                                  std::byte{0xFF});
  writePixelOperands(range, operand, image.data(), size, tiling, tile, operands.data());
  return operands;
}

// What each pixel's value stands for, where the weights carry the factor.
double expectedOperand(lc_pixel_range range, Operand operand, std::uint8_t pixel) {
  if (range == LC_PIXELS_UNIT) return operand == Operand::kFloat32 ? pixel / 255.0 : 1.0 * pixel;
  return operand == Operand::kFloat32 ? pixel / 127.5 - 1.0 : pixel - 127.5;
}

void checkEveryValue(lc_pixel_range range, Operand operand) {
  for (std::uint32_t value = 0; value < 256; ++value) {
    const std::vector<std::uint8_t> image(kColours, static_cast<std::uint8_t>(value));
    const std::vector<std::byte> row = operandsOf(range, operand, image, {1, 1}, Tiling({1, 1}, {1, 1}), 0);
    // The centre of the window: row 1, column 1.
    const double actual = valueAt(operand, row, 4 * kColours);
    const double tolerance = operand == Operand::kFloat32 ? 0x1p-23 : 0.0;
    check(std::fabs(actual - expectedOperand(range, operand, static_cast<std::uint8_t>(value))) <= tolerance,
          "%s: pixel %u is %.9g", nameOf(operand), value, actual);
  }
}

// Value of the window's place `i` around a pixel: row, column, colour.
double expectedPlace(lc_pixel_range range, Operand operand, const std::vector<std::uint8_t>& image,
                     const Extent& size, std::int64_t y, std::int64_t x, std::uint32_t i) {
  const std::int64_t row = y - 1 + i / 9;
  const std::int64_t column = x - 1 + i / kColours % 3;
  if (row < 0 || row >= size.height || column < 0 || column >= size.width) return 0.0;
  return expectedOperand(
      range, operand, image[static_cast<std::size_t>(row * size.width + column) * kColours + i % kColours]);
}

void checkWindows(lc_pixel_range range, Operand operand, const Extent& size, const Extent& tileSize) {
  std::mt19937 generator(1);
  std::vector<std::uint8_t> image(std::size_t{size.height} * size.width * kColours);
  for (std::uint8_t& pixel : image) pixel = static_cast<std::uint8_t>(generator());
  const Tiling tiling(size, tileSize);
  const std::size_t length = pixelOperandLength(operand);
  bool isRight = true;
  for (std::uint32_t index = 0; index < tiling.count(); ++index) {
    const Tiling::Tile tile = tiling[index];
    const std::vector<std::byte> operands = operandsOf(range, operand, image, size, tiling, index);
    for (std::size_t place = 0; place < operands.size() / operandBytes(operand); ++place) {
      const auto y = static_cast<std::uint32_t>(place / length / tileSize.width);
      const auto x = static_cast<std::uint32_t>(place / length % tileSize.width);
      // Parts of 32 that are all the same; their rest is zero.
      const auto i = static_cast<std::uint32_t>(place % length % 32);
      const bool isOnMap = y < tile.height && x < tile.width && i < kWindow;
      const double expected =
          isOnMap ? expectedPlace(range, operand, image, size, tile.top + y, tile.left + x, i) : 0.0;
      isRight = isRight && std::fabs(valueAt(operand, operands, place) - expected) <= 0x1p-23;
    }
  }
  check(isRight, "%s: windows of %u x %u pixels in tiles of %u x %u", nameOf(operand), size.height,
        size.width, tileSize.height, tileSize.width);
}

// Operands times weights is the convolution that layers.ts means, of the same window.
void checkWeights(lc_pixel_range range, Operand operand) {
  constexpr std::uint32_t kOutputs = 5;
  constexpr Extent kSize{4, 6};
  std::mt19937 generator(1);
  const std::vector<float> weight = randomValues(std::size_t{kOutputs} * kWindow, generator, 1.0F);
  const lc_conv conv{weight.data(), nullptr, kColours, kOutputs, 3, 1, {1, 1, 1, 1}};
  std::vector<std::uint8_t> image(std::size_t{kSize.height} * kSize.width * kColours);
  for (std::uint8_t& pixel : image) pixel = static_cast<std::uint8_t>(generator());
  const std::vector<std::byte> operands = operandsOf(range, operand, image, kSize, Tiling(kSize, kSize), 0);
  const std::size_t length = pixelOperandLength(operand);
  double worst = 0.0;
  for (std::uint32_t output = 0; output < kOutputs; ++output) {
    std::vector<std::byte> row(length * operandBytes(operand), std::byte{0xFF});
    writePixelWeights(conv, range, operand, output, row.data());
    for (std::uint32_t pixel = 0; pixel < kSize.height * kSize.width; ++pixel) {
      double actual = 0.0;
      for (std::size_t i = 0; i < length; ++i) {
        actual += valueAt(operand, operands, pixel * length + i) * valueAt(operand, row, i);
      }
      double expected = 0.0;
      for (std::uint32_t i = 0; i < kWindow; ++i) {
        const double value = expectedPlace(range, Operand::kFloat32, image, kSize, pixel / kSize.width,
                                           pixel % kSize.width, i);
        expected += value * double{weight[(output * kColours + i % kColours) * 9 + i / kColours]};
      }
      worst = worse(worst, std::fabs(actual - expected));
    }
  }
  // 27 products of numbers of about 1, each right to 24 bits.
  check(worst <= 27 * 0x1p-23, "%s: the product is off by %g", nameOf(operand), worst);
}

}  // namespace

int main() {
  check(pixelOperand(Operand::kFloat32) == Operand::kFloat32, "float32 takes float32 pixels");
  check(pixelOperand(Operand::kSplit) == Operand::kBfloat16,
        "split operands take bfloat16 pixels, which are exact");
  for (const lc_pixel_range range : {LC_PIXELS_SIGNED, LC_PIXELS_UNIT}) {
    for (const Operand operand : {Operand::kFloat32, Operand::kBfloat16}) {
      checkEveryValue(range, operand);
      checkWindows(range, operand, {1, 1}, {1, 1});
      checkWindows(range, operand, {1, 9}, {1, 4});
      checkWindows(range, operand, {9, 1}, {4, 1});
      checkWindows(range, operand, {8, 8}, {8, 8});
      checkWindows(range, operand, {10, 13}, {4, 5});
      checkWeights(range, operand);
    }
  }
  return report();
}
