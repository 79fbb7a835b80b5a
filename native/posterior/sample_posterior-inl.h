// samplePosterior, for whoever compiles it: the tests do so for other instruction sets too. Plain loops over
// values that do not depend on each other: the compiler makes vectors of them, whose width changes no bit.
#pragma once

#include "gaussian_noise-inl.h"

namespace lc::posterior {
namespace {

inline void sample(const float* mean, const float* logvar, std::size_t count, std::uint64_t seed,
                   float* latent) {
  const PhiloxKey key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  constexpr std::size_t kChunk = 2 * std::size_t{kNoiseBlocks};
  double noise[kChunk];
  for (std::size_t start = 0; start < count; start += kChunk) {
    gaussianNoise(static_cast<std::uint32_t>(start / 2), key, noise);
    const std::size_t end = start + kChunk < count ? start + kChunk : count;
    for (std::size_t i = start; i < end; ++i) {
      const double deviation = exponential(0.5 * static_cast<double>(logvar[i]));
      latent[i] = static_cast<float>(static_cast<double>(mean[i]) + deviation * noise[i - start]);
    }
  }
}

}  // namespace
}  // namespace lc::posterior
