// Statistics of groups of channels, taken tile by tile while the values are in the cache, and the norm that
// follows from them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onednn/tiling.h"

namespace lc::onednn {

// Of the values of one group on one tile.
struct GroupMoments {
  double mean;
  double squares;  // sum of squared deviations from the mean
};

// What accumulates over the pixels of a tile: for each channel sums of (x - origin) and of its square. An
// origin near the mean keeps the difference of the two exact.
struct ChannelSums {
  float* origin;
  double* sum;
  double* square;

  static std::size_t bytes(std::uint32_t channels) { return channels * (2 * sizeof(double) + sizeof(float)); }
  // In `memory`, which is aligned for double.
  static ChannelSums in(void* memory, std::uint32_t channels);
};

// sums of `pixels` pixels -> (groups) moments.
void reduceTile(const ChannelSums& sums, std::uint32_t channels, std::uint32_t groups, std::uint64_t pixels,
                GroupMoments* moments);

// Of an RMS norm, without bias and groups.
struct NormParameters {
  const float* weight;  // (channels)
  const float* bias;    // (channels)
  std::uint32_t channels;
  std::uint32_t groups;
  double epsilon;
};

// (tiles, groups) moments -> scale and shift (channels): norm(x) = x * scale + shift. The variance is that of
// the population, as in torch.nn.GroupNorm. Tiles are merged in their order by Chan, Golub and LeVeque's
// formula, so that the result does not depend on which thread had which tile.
void finishNorm(const GroupMoments* tiles, const Tiling& tiling, const NormParameters& norm, float* scale,
                float* shift);

}  // namespace lc::onednn
