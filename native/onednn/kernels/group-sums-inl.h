// Sums of neighbouring channels.
#pragma once

#include <cstddef>

namespace lc::onednn {
namespace {

inline void sumsOf(const float* __restrict source, std::size_t count, std::size_t group, float factor,
                   float* __restrict target) {
  for (std::size_t i = 0; i < count; ++i) {
    float sum = source[i * group];
    for (std::size_t k = 1; k < group; ++k) sum += source[i * group + k];
    target[i] = sum * factor;
  }
}

// Sizes that the compiler knows become shuffles of vectors.
void groupSums(const float* source, std::size_t count, std::size_t group, float factor, float* target) {
  switch (group) {
    case 2:
      return sumsOf(source, count, 2, factor, target);
    case 4:
      return sumsOf(source, count, 4, factor, target);
    case 8:
      return sumsOf(source, count, 8, factor, target);
    default:
      return sumsOf(source, count, group, factor, target);
  }
}

}  // namespace
}  // namespace lc::onednn
