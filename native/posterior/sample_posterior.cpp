// Baseline instructions only: AVX2 and AVX-512 gain a fraction of a millisecond for an image of a megapixel,
// which takes many to decode and encode.
#include "posterior.h"
#include "sample_posterior-inl.h"

namespace lc::posterior {

void samplePosterior(const float* mean, const float* logvar, std::size_t count, std::uint64_t seed,
                     float* latent) {
  sample(mean, logvar, count, seed, latent);
}

}  // namespace lc::posterior
