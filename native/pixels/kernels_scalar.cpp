// Plain loops: what every other set must equal, the only set outside of x86-64, and the row ends of the
// vector sets.
#include "kernels_scalar.h"

#include <cmath>

#include "axis_table.h"

namespace lc::pixels {
namespace {

std::uint8_t saturate(std::int32_t value) {
  if (value < 0) return 0;
  return value > 255 ? 255 : static_cast<std::uint8_t>(value);
}

// Rounds half to even, as cvRound and the vector conversions do.
std::uint8_t saturate(float value) {
  return saturate(static_cast<std::int32_t>(std::lrint(value)));
}

template <typename Weight, typename Element, typename Finish>
void filterColumns(const std::uint8_t* packed, Columns<Weight> columns, int channels, FourRows<Element> out,
                   Weight start, Finish finish) {
  for (int x = 0; x < columns.count; ++x) {
    const std::uint8_t* const pixels = packed + std::ptrdiff_t{columns.first[x]} * kPackedPixel;
    const Weight* const weights = columns.weights + std::ptrdiff_t{x} * columns.taps;
    Weight sums[kPackedPixel];
    for (Weight& sum : sums) sum = start;
    for (int k = 0; k < columns.taps; ++k) {
      for (int lane = 0; lane < kPackedPixel; ++lane) {
        sums[lane] += static_cast<Weight>(pixels[k * kPackedPixel + lane]) * weights[k];
      }
    }
    for (int row = 0; row < kPackedRows; ++row) {
      for (int c = 0; c < channels; ++c) {
        out.row[row][std::ptrdiff_t{x} * channels + c] = finish(sums[row * 4 + c]);
      }
    }
  }
}

}  // namespace

namespace scalar {

void packRows(FourRows<const std::uint8_t> rows, int channels, std::size_t pixels, std::uint8_t* packed) {
  packRowsFrom(0, rows, channels, pixels, packed);
}

void packRowsFrom(std::size_t begin, FourRows<const std::uint8_t> rows, int channels, std::size_t pixels,
                  std::uint8_t* packed) {
  for (std::size_t x = begin; x < pixels; ++x) {
    for (std::size_t row = 0; row < kPackedRows; ++row) {
      const std::uint8_t* const pixel = rows.row[row] + x * static_cast<std::size_t>(channels);
      std::uint8_t* const target = packed + x * kPackedPixel + row * 4;
      for (int c = 0; c < 4; ++c) target[c] = c < channels ? pixel[c] : std::uint8_t{0};
    }
  }
}

void areaColumns(const std::uint8_t* packed, Columns<float> columns, int channels, FourRows<float> out) {
  filterColumns(packed, columns, channels, out, 0.0F, [](float sum) { return sum; });
}

void areaRow(RowSum<float, float> sum, std::uint8_t* out) {
  for (std::size_t x = sum.begin; x < sum.end; ++x) {
    float total = 0.0F;
    for (int k = 0; k < sum.taps; ++k) total += sum.weights[k] * sum.rows[k][x];
    out[x] = saturate(total);
  }
}

// OpenCV 4.x: a box of 2 x 2 is rounded half up, any other is the sum times the float reciprocal of its area.
void boxRow(BoxRow box, std::uint8_t* out) {
  const float reciprocal = 1.0F / static_cast<float>(box.boxRows * box.boxColumns);
  const bool isTwoByTwo = box.boxRows == 2 && box.boxColumns == 2;
  const auto channels = static_cast<std::size_t>(box.channels);
  const std::size_t boxBytes = static_cast<std::size_t>(box.boxColumns) * channels;
  for (std::size_t x = box.begin; x < box.end; ++x) {
    for (std::size_t c = 0; c < channels; ++c) {
      // Wraps as OpenCV's sum does, for boxes of more than eight million pixels.
      std::uint32_t sum = 0;
      for (int y = 0; y < box.boxRows; ++y) {
        for (std::size_t k = 0; k < boxBytes; k += channels) sum += box.rows[y][x * boxBytes + k + c];
      }
      out[x * channels + c] = isTwoByTwo
                                  ? saturate(static_cast<std::int32_t>((sum + 2) >> 2))
                                  : saturate(static_cast<float>(static_cast<std::int32_t>(sum)) * reciprocal);
    }
  }
}

void pillowColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::uint8_t> out) {
  filterColumns(packed, columns, channels, out, kPillowHalf,
                [](std::int32_t sum) { return saturate(sum >> kPillowPrecisionBits); });
}

void pillowRow(RowSum<std::uint8_t, std::int32_t> sum, std::uint8_t* out) {
  for (std::size_t x = sum.begin; x < sum.end; ++x) {
    std::int32_t total = kPillowHalf;
    for (int k = 0; k < sum.taps; ++k) total += sum.rows[k][x] * sum.weights[k];
    out[x] = saturate(total >> kPillowPrecisionBits);
  }
}

// Rounded to nearest, ties up; the usual way around the division by 255.
void premultiply(const std::uint8_t* rgba, std::size_t count, std::uint8_t* target) {
  for (std::size_t i = 0; i < count; ++i, rgba += 4, target += 4) {
    const unsigned alpha = rgba[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned product = rgba[c] * alpha + 128;
      target[c] = static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
    }
    target[3] = rgba[3];
  }
}

// Rounded down. Pillow leaves the colours of transparent pixels as they are.
void unpremultiply(std::uint8_t* rgba, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, rgba += 4) {
    const int alpha = rgba[3];
    if (alpha == 0) continue;
    for (int c = 0; c < 3; ++c) rgba[c] = saturate(255 * rgba[c] / alpha);
  }
}

void openCvColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::int32_t> out) {
  filterColumns(packed, columns, channels, out, 0, [](std::int32_t sum) { return sum; });
}

// OpenCV 4.x keeps the product's high half of 16-bit numbers, which drops bits before the sum.
void linearRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
  for (std::size_t x = sum.begin; x < sum.end; ++x) {
    const std::int32_t upper = (sum.weights[0] * (sum.rows[0][x] >> 4)) >> 16;
    const std::int32_t lower = (sum.weights[1] * (sum.rows[1][x] >> 4)) >> 16;
    out[x] = saturate((upper + lower + 2) >> 2);
  }
}

// OpenCV 4.x, vector form: in float, from the last row to the first.
void cubicRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
  for (std::size_t x = sum.begin; x < sum.end; ++x) {
    float total = 0.0F;
    for (int k = sum.taps - 1; k >= 0; --k) {
      total += static_cast<float>(sum.rows[k][x]) * (static_cast<float>(sum.weights[k]) * kCubicUnit);
    }
    out[x] = saturate(total);
  }
}

void splitAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < 3; ++c) rgb[i * 3 + c] = rgba[i * 4 + c];
    alpha[i] = rgba[i * 4 + 3];
  }
}

void mirrorRow(const std::uint8_t* rgb, std::size_t width, std::uint8_t* target) {
  for (std::size_t x = 0; x < width; ++x) {
    for (std::size_t c = 0; c < 3; ++c) target[x * 3 + c] = rgb[(width - 1 - x) * 3 + c];
  }
}

}  // namespace scalar

const Kernels kScalarKernels = {
    .name = "scalar",
    .packRows = scalar::packRows,
    .areaColumns = scalar::areaColumns,
    .areaRow = scalar::areaRow,
    .boxRow = scalar::boxRow,
    .pillowColumns = scalar::pillowColumns,
    .pillowRow = scalar::pillowRow,
    .premultiply = scalar::premultiply,
    .unpremultiply = scalar::unpremultiply,
    .openCvColumns = scalar::openCvColumns,
    .linearRow = scalar::linearRow,
    .cubicRow = scalar::cubicRow,
    .splitAlpha = scalar::splitAlpha,
    .mirrorRow = scalar::mirrorRow,
};

}  // namespace lc::pixels
