// The norm that takes each pixel by itself, on the way to operands.
#pragma once

#include "prepare-inl.h"

namespace lc::onednn {
namespace {

// Squares are summed in this many places, so that none waits for its neighbour; the order of the sum is the
// same for every instruction set.
constexpr std::size_t kSquareLanes = 32;

inline float sumOfSquares(const float* __restrict values, std::size_t count) {
  float lanes[kSquareLanes] = {};
  std::size_t i = 0;
  for (; i + kSquareLanes <= count; i += kSquareLanes) {
    for (std::size_t lane = 0; lane < kSquareLanes; ++lane)
      lanes[lane] += values[i + lane] * values[i + lane];
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) lanes[lane] += values[i] * values[i];
  for (std::size_t half = kSquareLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

// sqrt(count) / max(length, shortest); NaN where a value is.
inline float factorOf(const float* values, std::size_t count, float shortest) {
  const float length = __builtin_sqrtf(sumOfSquares(values, count));
  return __builtin_sqrtf(static_cast<float>(count)) / (length < shortest ? shortest : length);
}

template <Operand kOperand, bool kSilu>
inline void normalizeRow(const float* __restrict source, float factor, const float* __restrict weight,
                         std::size_t count, void* __restrict target, std::uint16_t* __restrict middle,
                         std::uint16_t* __restrict low) {
  for (std::size_t i = 0; i < count; ++i) {
    const float x = source[i] * factor * weight[i];
    put<kOperand>(kSilu ? x / (1.0F + exponential(-x)) : x, i, target, middle, low);
  }
}

void prepareRms(Operand operand, const float* source, std::size_t pixels, std::size_t channels,
                const float* weight, float shortest, bool silu, void* target, std::size_t plane) {
  withOperand(operand, [=]<Operand kOperand>() {
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      const float* const values = source + pixel * channels;
      const OperandRow<kOperand> row(target, pixel, channels, plane);
      const float factor = factorOf(values, channels, shortest);
      const auto normalize = silu ? normalizeRow<kOperand, true> : normalizeRow<kOperand, false>;
      normalize(values, factor, weight, channels, row.target, row.middle, row.low);
    }
  });
}

}  // namespace
}  // namespace lc::onednn
