#include "onednn/pixel_operands.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace lc::onednn {
namespace {

constexpr std::uint32_t kKernel = 3;
constexpr std::uint32_t kColours = 3;
constexpr std::uint32_t kWindowRow = kKernel * kColours;
constexpr std::uint32_t kWindow = kKernel * kWindowRow;
// Rows of whole vectors.
constexpr std::uint32_t kPart = 32;
constexpr std::uint32_t kWeightParts = 3;
constexpr float kHalfRange = 127.5F;

using Bfloat16 = std::uint16_t;

// To nearest, ties to even, of a finite number.
Bfloat16 toBfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<Bfloat16>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float toFloat(Bfloat16 value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

constexpr std::size_t kValues = 256;

template <typename Value>
using Table = std::array<Value, kValues>;

template <typename Value, typename ValueOf>
Table<Value> tableOf(ValueOf valueOf) {
  Table<Value> values;
  for (std::size_t v = 0; v < kValues; ++v) values[v] = valueOf(static_cast<float>(v));
  return values;
}

const Table<float>& floatOfPixel(lc_pixel_range range) {
  static const Table<float> ofSigned = tableOf<float>([](float v) { return (v / 255.0F - 0.5F) / 0.5F; });
  static const Table<float> ofUnit = tableOf<float>([](float v) { return v / 255.0F; });
  return range == LC_PIXELS_UNIT ? ofUnit : ofSigned;
}

const Table<Bfloat16>& bfloat16OfPixel(lc_pixel_range range) {
  static const Table<Bfloat16> ofSigned =
      tableOf<Bfloat16>([](float v) { return toBfloat16(v - kHalfRange); });
  static const Table<Bfloat16> ofUnit = tableOf<Bfloat16>(toBfloat16);
  return range == LC_PIXELS_UNIT ? ofUnit : ofSigned;
}

// What one of bfloat16OfPixel stands for, upside down.
double unitsOf(lc_pixel_range range) {
  return range == LC_PIXELS_UNIT ? 2 * kHalfRange : kHalfRange;
}

// The window of one pixel, in the order of the image's bytes: row, column, colour.
template <typename Value>
void writeWindow(const Table<Value>& table, const std::uint8_t* image, const Extent& size, std::int64_t y,
                 std::int64_t x, Value* target) {
  const std::int64_t width = size.width;
  for (std::uint32_t row = 0; row < kKernel; ++row) {
    Value* values = target + row * kWindowRow;
    const std::int64_t imageRow = y - 1 + row;
    if (imageRow < 0 || imageRow >= std::int64_t{size.height}) {
      std::fill_n(values, kWindowRow, Value{});
      continue;
    }
    const std::uint8_t* pixels = image + imageRow * width * kColours;
    for (std::uint32_t column = 0; column < kKernel; ++column) {
      const std::int64_t imageColumn = x - 1 + column;
      const bool isOnImage = imageColumn >= 0 && imageColumn < width;
      for (std::uint32_t colour = 0; colour < kColours; ++colour) {
        values[column * kColours + colour] =
            isOnImage ? table[pixels[imageColumn * kColours + colour]] : Value{};
      }
    }
  }
}

template <typename Value>
void writeRows(const Table<Value>& table, std::uint32_t parts, const std::uint8_t* image, const Extent& size,
               const Tiling& tiling, std::uint32_t index, Value* target) {
  const Tiling::Tile tile = tiling[index];
  const Extent& extent = tiling.tile();
  const std::size_t length = std::size_t{kPart} * parts;
  std::fill_n(target, length * extent.height * extent.width, Value{});
  for (std::uint32_t y = 0; y < tile.height; ++y) {
    Value* row = target + std::size_t{y} * extent.width * length;
    for (std::uint32_t x = 0; x < tile.width; ++x, row += length) {
      writeWindow(table, image, size, std::int64_t{tile.top} + y, std::int64_t{tile.left} + x, row);
      for (std::uint32_t part = 1; part < parts; ++part) {
        for (std::uint32_t i = 0; i < kWindow; ++i) row[part * kPart + i] = row[i];
      }
    }
  }
}

}  // namespace

Operand pixelOperand(Operand operand) {
  return operand == Operand::kFloat32 ? Operand::kFloat32 : Operand::kBfloat16;
}

std::uint32_t pixelOperandLength(Operand pixelOperand) {
  return pixelOperand == Operand::kFloat32 ? kPart : kPart * kWeightParts;
}

void writePixelWeights(const lc_conv& conv, lc_pixel_range range, Operand pixelOperand, std::uint32_t output,
                       void* target) {
  const auto weightAt = [&](std::uint32_t i) {
    const std::uint32_t colour = i % kColours;
    return conv.weight[(output * kColours + colour) * kKernel * kKernel + i / kColours];
  };
  if (pixelOperand == Operand::kFloat32) {
    auto* row = static_cast<float*>(target);
    std::fill_n(row, kPart, 0.0F);
    for (std::uint32_t i = 0; i < kWindow; ++i) row[i] = weightAt(i);
    return;
  }
  auto* row = static_cast<Bfloat16*>(target);
  std::fill_n(row, std::size_t{kPart} * kWeightParts, Bfloat16{});
  for (std::uint32_t i = 0; i < kWindow; ++i) {
    double rest = double{weightAt(i)} / unitsOf(range);
    for (std::uint32_t part = 0; part < kWeightParts; ++part) {
      const Bfloat16 value = toBfloat16(static_cast<float>(rest));
      row[part * kPart + i] = value;
      rest -= double{toFloat(value)};
    }
  }
}

void writePixelOperands(lc_pixel_range range, Operand pixelOperand, const std::uint8_t* image,
                        const Extent& size, const Tiling& tiling, std::uint32_t tile, void* target) {
  if (pixelOperand == Operand::kFloat32) {
    writeRows(floatOfPixel(range), 1, image, size, tiling, tile, static_cast<float*>(target));
  } else {
    writeRows(bfloat16OfPixel(range), kWeightParts, image, size, tiling, tile,
              static_cast<Bfloat16*>(target));
  }
}

}  // namespace lc::onednn
