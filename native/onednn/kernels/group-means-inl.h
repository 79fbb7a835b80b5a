// Means of neighbouring channels.
#pragma once

#include <cstddef>

namespace lc::onednn {
namespace {

inline void meansOf(const float* __restrict source, std::size_t count, std::size_t group,
                    float* __restrict target) {
  for (std::size_t i = 0; i < count; ++i) {
    float sum = source[i * group];
    for (std::size_t k = 1; k < group; ++k) sum += source[i * group + k];
    target[i] = sum / static_cast<float>(group);
  }
}

// Sizes that the compiler knows become shuffles of vectors.
void groupMeans(const float* source, std::size_t count, std::size_t group, float* target) {
  switch (group) {
    case 2:
      return meansOf(source, count, 2, target);
    case 4:
      return meansOf(source, count, 4, target);
    case 8:
      return meansOf(source, count, 8, target);
    default:
      return meansOf(source, count, group, target);
  }
}

}  // namespace
}  // namespace lc::onednn
