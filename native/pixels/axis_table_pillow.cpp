// Pillow 9.x Image.resize for 8-bit images.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "axis_table.h"

namespace lc::pixels {
namespace {

double sinc(double x) {
  if (x == 0.0) return 1.0;
  const double angle = x * std::numbers::pi;
  return std::sin(angle) / angle;
}

double lanczos(double x) {
  return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

// Cubic convolution with a = -0.5, evaluated in Pillow's order: another order rounds differently.
double bicubic(double x) {
  const double distance = std::abs(x);
  if (distance < 1.0) return (1.5 * distance - 2.5) * distance * distance + 1.0;
  if (distance < 2.0) return (((distance - 5.0) * distance + 8.0) * distance - 4.0) * -0.5;
  return 0.0;
}

struct Filter {
  double (*weight)(double x);
  double support;
};

Filter filterOf(PillowFilter filter) {
  switch (filter) {
    case PillowFilter::kLanczos:
      return {lanczos, 3.0};
    case PillowFilter::kBox:
      return {box, 0.5};
    case PillowFilter::kBicubic:
      break;
  }
  return {bicubic, 2.0};
}

// Rounds half away from zero.
std::int32_t quantize(double weight) {
  return static_cast<std::int32_t>(weight * (1 << kPillowPrecisionBits) + (weight < 0 ? -0.5 : 0.5));
}

}  // namespace

AxisTable<std::int32_t> pillowTable(PillowFilter filter, int source, int resized, Range outputs) {
  const auto [weightAt, reach] = filterOf(filter);
  const double scale = static_cast<double>(source) / resized;
  const double stretch = std::max(scale, 1.0);  // Shrinking widens the filter.
  const double inverseStretch = 1.0 / stretch;
  const double support = reach * stretch;

  // The pixels whose centres lie within the support.
  const auto firstTap = [&](double centre) { return std::max(static_cast<int>(centre - support + 0.5), 0); };
  const auto endTap = [&](double centre) {
    return std::min(static_cast<int>(centre + support + 0.5), source);
  };

  AxisTable<std::int32_t> table;
  for (int output = outputs.begin; output < outputs.end; ++output) {
    const double centre = (output + 0.5) * scale;
    table.first.push_back(firstTap(centre));
    table.taps = std::max(table.taps, endTap(centre) - firstTap(centre));
  }

  const auto taps = static_cast<std::size_t>(table.taps);
  table.weights.resize(table.first.size() * taps);
  std::vector<double> weights;
  for (std::size_t i = 0; i < table.first.size(); ++i) {
    const double centre = (outputs.begin + static_cast<int>(i) + 0.5) * scale;
    double sum = 0.0;
    weights.clear();
    for (int pixel = table.first[i]; pixel < endTap(centre); ++pixel) {
      const double x = (pixel - centre + 0.5) * inverseStretch;
      weights.push_back(weightAt(x));
      sum += weights.back();
    }
    for (std::size_t k = 0; k < weights.size(); ++k) {
      table.weights[i * taps + k] = quantize(sum == 0.0 ? weights[k] : weights[k] / sum);
    }
  }
  return table;
}

}  // namespace lc::pixels
