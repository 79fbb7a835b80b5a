// The sampler as this file is compiled (CMakeLists.txt: for AVX2, for AVX-512, without optimisation) against
// the library: the same bits.
#include <cstring>
#include <vector>

#include "check.h"
#include "posterior.h"
#include "sample_posterior-inl.h"

namespace {

// What ctest takes as "skipped".
constexpr int kSkipped = 77;

bool canRun() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("fma");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

void checkBits() {
  constexpr std::size_t kCount = 200'001;
  std::vector<float> mean(kCount);
  std::vector<float> logvar(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    mean[i] = static_cast<float>(i % 1999) / 7.0F - 140.0F;
    logvar[i] = static_cast<float>(i % 5003) / 100.0F - 30.0F;
  }
  for (const std::uint64_t seed : {0ULL, 1ULL << 63, 0x0123456789ABCDEFULL}) {
    std::vector<float> expected(kCount);
    std::vector<float> actual(kCount);
    lc::posterior::samplePosterior(mean.data(), logvar.data(), kCount, seed, expected.data());
    lc::posterior::sample(mean.data(), logvar.data(), kCount, seed, actual.data());
    lc::test::check(std::memcmp(expected.data(), actual.data(), kCount * sizeof(float)) == 0,
                    "bits differ for seed %llx", static_cast<unsigned long long>(seed));
  }
}

}  // namespace

int main() {
  if (!canRun()) return kSkipped;
  checkBits();
  return lc::test::report();
}
