// The softmax, whose columns come piece by piece.
#pragma once

#include <limits>

#include "operands-inl.h"

namespace lc::onednn {
namespace {

// Scores are taken this many at a time. The running maximum and sum are kept for each place, so that none
// waits for its neighbour; the order of the sum is the same for every instruction set.
constexpr std::size_t kLanes = 64;

inline float largestOf(const float* __restrict scores, std::size_t count, float atLeast) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = atLeast;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float score = scores[i + lane];
      lanes[lane] = score > lanes[lane] ? score : lanes[lane];
    }
  }
  for (; i < count; ++i) lanes[0] = scores[i] > lanes[0] ? scores[i] : lanes[0];
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) {
      lanes[lane] = lanes[lane + half] > lanes[lane] ? lanes[lane + half] : lanes[lane];
    }
  }
  return lanes[0];
}

// exp(score - maximum), also of NaN: to the bits of infinity or 0 it adds its own.
inline float weightOf(float score, float maximum) {
  const float below = score - maximum;
  return fromBits(bitsOf(exponential(below)) | (bitsOf(below) & maskOf(below != below)));
}

// Writes the weights of a row and returns the sum, before rounding.
template <Operand kOperand>
inline float weighRow(const float* __restrict scores, std::size_t count, float maximum,
                      void* __restrict target, std::uint16_t* __restrict middle,
                      std::uint16_t* __restrict low) {
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float weight = weightOf(scores[i + lane], maximum);
      lanes[lane] += weight;
      put<kOperand>(weight, i + lane, target, middle, low);
    }
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) {
    const float weight = weightOf(scores[i], maximum);
    lanes[lane] += weight;
    put<kOperand>(weight, i, target, middle, low);
  }
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

inline void multiplyRow(float* row, std::size_t count, float factor) {
  for (std::size_t i = 0; i < count; ++i) row[i] *= factor;
}

template <Operand kOperand>
inline void divideRow(const float* __restrict values, std::size_t count, float divisor,
                      void* __restrict target, std::uint16_t* __restrict middle,
                      std::uint16_t* __restrict low) {
  for (std::size_t i = 0; i < count; ++i) put<kOperand>(values[i] / divisor, i, target, middle, low);
}

void softmaxStep(Operand operand, const float* scores, std::size_t rows, std::size_t columns,
                 std::size_t valid, float* maximum, float* total, void* weights, std::size_t plane,
                 float* output, std::size_t width) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  withOperand(operand, [=]<Operand kOperand>() {
    for (std::size_t i = 0; i < rows; ++i) {
      const float* const row = scores + i * columns;
      const float largest = largestOf(row, valid, maximum[i]);
      const bool first = maximum[i] == -kInfinity;
      const float factor = weightOf(maximum[i], largest);
      maximum[i] = largest;

      const OperandRow<kOperand> target(weights, i, columns, plane);
      const float sum = weighRow<kOperand>(row, valid, largest, target.target, target.middle, target.low);
      for (std::size_t c = valid; c < columns; ++c)
        put<kOperand>(0.0F, c, target.target, target.middle, target.low);

      if (first) {
        total[i] = sum;
        for (std::size_t c = 0; c < width; ++c) output[i * width + c] = 0.0F;
      } else {
        total[i] = total[i] * factor + sum;
        if (factor != 1.0F) multiplyRow(output + i * width, width, factor);
      }
    }
  });
}

void softmaxEnd(Operand operand, const float* output, std::size_t rows, std::size_t width, const float* total,
                void* target, std::size_t plane) {
  withOperand(operand, [=]<Operand kOperand>() {
    for (std::size_t i = 0; i < rows; ++i) {
      const OperandRow<kOperand> row(target, i, width, plane);
      divideRow<kOperand>(output + i * width, width, total[i], row.target, row.middle, row.low);
    }
  });
}

}  // namespace
}  // namespace lc::onednn
