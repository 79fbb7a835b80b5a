// OpenCV 4.x INTER_LINEAR and INTER_CUBIC for 8-bit images. Positions are computed in double and kept in
// float, weights are computed in float: the order and the type of each step decide the last bit.
#include <cmath>

#include "axis_table.h"

namespace lc::pixels {
namespace {

// A position on the source axis: a pixel and how far beyond its centre.
struct Position {
  int pixel;
  float fraction;
};

Position centred(int output, double scale) {
  const auto at = static_cast<float>((output + 0.5) * scale - 0.5);
  const float pixel = std::floor(at);
  return {static_cast<int>(pixel), at - pixel};
}

// INTER_AREA while enlarging: the first pixel under the output's cell and the part of the cell beyond that
// pixel.
Position byCell(int output, double scale, double inverseScale) {
  const int pixel = static_cast<int>(std::floor(output * scale));
  const auto beyond = static_cast<float>((output + 1) - (pixel + 1) * inverseScale);
  return {pixel, beyond <= 0 ? 0.0F : beyond - std::floor(beyond)};
}

std::int32_t quantize(float weight) {
  return static_cast<std::int32_t>(std::lrint(weight * (1 << kOpenCvCoefficientBits)));
}

void appendLinear(AxisTable<std::int32_t>& table, Position at) {
  table.first.push_back(at.pixel);
  table.weights.push_back(quantize(1.0F - at.fraction));
  table.weights.push_back(quantize(at.fraction));
}

// Keys' cubic convolution with a = -0.75, as OpenCV evaluates it.
void appendCubic(AxisTable<std::int32_t>& table, Position at) {
  constexpr float a = -0.75F;
  const float x = at.fraction;
  const float y = 1.0F - x;
  const float before = ((a * (x + 1.0F) - 5.0F * a) * (x + 1.0F) + 8.0F * a) * (x + 1.0F) - 4.0F * a;
  const float left = ((a + 2.0F) * x - (a + 3.0F)) * x * x + 1.0F;
  const float right = ((a + 2.0F) * y - (a + 3.0F)) * y * y + 1.0F;
  const float after = 1.0F - before - left - right;
  table.first.push_back(at.pixel - 1);
  for (const float weight : {before, left, right, after}) table.weights.push_back(quantize(weight));
}

}  // namespace

AxisTable<std::int32_t> linearTable(int source, int resized, Range outputs) {
  const double scale = openCvScale(source, resized);
  AxisTable<std::int32_t> table{2, {}, {}};
  for (int output = outputs.begin; output < outputs.end; ++output)
    appendLinear(table, centred(output, scale));
  return table;
}

AxisTable<std::int32_t> areaLinearTable(int source, int resized, Range outputs) {
  const double scale = openCvScale(source, resized);
  const double inverseScale = static_cast<double>(resized) / source;
  AxisTable<std::int32_t> table{2, {}, {}};
  for (int output = outputs.begin; output < outputs.end; ++output) {
    appendLinear(table, byCell(output, scale, inverseScale));
  }
  return table;
}

AxisTable<std::int32_t> cubicTable(int source, int resized, Range outputs) {
  const double scale = openCvScale(source, resized);
  AxisTable<std::int32_t> table{4, {}, {}};
  for (int output = outputs.begin; output < outputs.end; ++output) appendCubic(table, centred(output, scale));
  return table;
}

}  // namespace lc::pixels
