// Standard normal numbers from a seed; posterior.h defines them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "float64-inl.h"
#include "philox-inl.h"

namespace lc::posterior {
namespace {

// Philox blocks, of two normal numbers each, that are made at once: enough for long vectors, few enough for
// the cache.
constexpr std::uint32_t kNoiseBlocks = 64;

// Two words as a number strictly between 0 and 1, so that its logarithm is finite.
inline double openUniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t integer = std::uint64_t{high >> 6} << 26 | low >> 6;
  return (toDouble(integer) + 0.5) * 0x1p-52;
}

// The 2 * kNoiseBlocks numbers from block `first` on.
inline void gaussianNoise(std::uint32_t first, PhiloxKey key, double* noise) {
  double squares[kNoiseBlocks];
  double turns[kNoiseBlocks];
  for (std::uint32_t i = 0; i < kNoiseBlocks; ++i) {
    const PhiloxBlock words = philox4x32({first + i, 0, 0, 0}, key);
    squares[i] = openUniform(words.word[0], words.word[1]);
    turns[i] = openUniform(words.word[2], words.word[3]);
  }
  for (std::size_t i = 0; i < kNoiseBlocks; ++i) {
    const double radius = std::sqrt(-2.0 * logarithm(squares[i]));
    const CirclePoint point = circlePoint(turns[i]);
    noise[2 * i] = radius * point.cosine;
    noise[2 * i + 1] = radius * point.sine;
  }
}

}  // namespace
}  // namespace lc::posterior
