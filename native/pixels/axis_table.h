// The weights of one axis of a separable resampling.
#pragma once

#include <cstdint>
#include <vector>

namespace lc::pixels {

// Half-open.
struct Range {
  int begin;
  int end;
  int size() const { return end - begin; }
};

// Output i is the sum over k < taps of weights[i * taps + k] * source[first[i] + k]. Every output has as many
// taps as the longest one; the spare ones at the end have weight zero and may lie past the source.
template <typename Weight>
struct AxisTable {
  int taps = 0;
  std::vector<int> first;
  std::vector<Weight> weights;
};

enum class PillowFilter { kLanczos, kBox, kBicubic };

// Each function makes the table for the outputs in `outputs` of an axis that goes from `source` to `resized`
// pixels.

// OpenCV INTER_AREA where both axes shrink: the share of every source pixel in the output pixel's cell.
AxisTable<float> areaTable(int source, int resized, Range outputs);

// Pillow's Image.resize for 8-bit images: weights with kPillowPrecisionBits fractional bits.
AxisTable<std::int32_t> pillowTable(PillowFilter filter, int source, int resized, Range outputs);
inline constexpr int kPillowPrecisionBits = 22;

// OpenCV INTER_LINEAR, INTER_CUBIC, and INTER_AREA where an axis is enlarged (a bilinear filter placed by
// cells), all for 8-bit images: weights with kOpenCvCoefficientBits fractional bits. Taps may lie outside of
// the source; OpenCV repeats the edge there.
AxisTable<std::int32_t> linearTable(int source, int resized, Range outputs);
AxisTable<std::int32_t> areaLinearTable(int source, int resized, Range outputs);
AxisTable<std::int32_t> cubicTable(int source, int resized, Range outputs);
inline constexpr int kOpenCvCoefficientBits = 11;

// OpenCV's scale of an axis: the reciprocal of resized / source, which is not always source / resized.
double openCvScale(int source, int resized);

}  // namespace lc::pixels
