// The one place where the CPU is asked what it can do.
#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace lc::pixels {
namespace {

#if defined(LC_X86_KERNELS)
// The sets are ordered; a set may be used if the cap is absent, unknown, or not below it.
bool isAllowed(const Kernels& set, const char* cap) {
  if (cap == nullptr) return true;
  if (std::strcmp(cap, kScalarKernels.name) == 0) return false;
  return std::strcmp(cap, kAvx2Kernels.name) != 0 || &set == &kAvx2Kernels;
}

const Kernels& choose(const char* cap) {
  const bool hasAvx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (hasAvx512 && isAllowed(kAvx512Kernels, cap)) return kAvx512Kernels;
  if (__builtin_cpu_supports("avx2") && isAllowed(kAvx2Kernels, cap)) return kAvx2Kernels;
  return kScalarKernels;
}
#else
const Kernels& choose(const char*) {
  return kScalarKernels;
}
#endif

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose(std::getenv("LATENT_CACHE_ISA"));
  return chosen;
}

}  // namespace lc::pixels
