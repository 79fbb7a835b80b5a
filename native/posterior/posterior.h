// The posterior distribution that a VAE encoder gives for an image: its moments, and samples of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lc::posterior {

struct Clamp {
  float minimum;
  float maximum;
};

// Splits the moments of one image, `length` means and then `length` log variances, into two arrays and clamps
// the log variances; NaN stays NaN, as in torch.clamp. Returns whether all 2 * length moments, not yet
// clamped, are finite.
bool splitMoments(const float* moments, std::size_t length, Clamp clamp, float* mean, float* logvar);

// latent = mean + exp(logvar / 2) * n with standard normal n, in float64, rounded once. `latent` may be
// `mean` or `logvar` itself; there may be up to 2^33 values.
//
// Values 2b and 2b + 1 of n come from Philox4x32-10 with the seed as key, its low word first, and (b, 0, 0,
// 0) as counter: the four words give two uniform numbers of 52 bits, which Box and Muller's transform makes
// normal. So n depends on the seed and the position alone, and every machine computes the same bits (of a
// NaN: only that it is one).
void samplePosterior(const float* mean, const float* logvar, std::size_t count, std::uint64_t seed,
                     float* latent);

}  // namespace lc::posterior
