// How far moments are from those of the reference, in standard deviations of the latter.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "onednn/session.h"

namespace lc::test {

struct Closeness {
  double worst;
  double typical;  // root of the mean of squares
};

inline Closeness closenessOf(const std::vector<float>& actual, const std::vector<double>& expected) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (actual.size() != expected.size()) return {kNan, kNan};
  const auto count = static_cast<double>(expected.size());
  double mean = 0;
  for (const double value : expected) mean += value / count;
  double variance = 0;
  double worst = 0;
  double squares = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    variance += (expected[i] - mean) * (expected[i] - mean) / count;
    const double error = std::fabs(double{actual[i]} - expected[i]);
    // A NaN stays, and is within no bound.
    if (!(error <= worst)) worst = error;
    if (std::isnan(worst)) return {kNan, kNan};
    squares += error * error / count;
  }
  return {worst / std::sqrt(variance), std::sqrt(squares / variance)};
}

}  // namespace lc::test
