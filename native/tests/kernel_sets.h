// The kernel sets that this machine can run.
#pragma once

#include <vector>

#include "kernels.h"

namespace lc::test {

inline std::vector<const pixels::Kernels*> kernelSets() {
  std::vector<const pixels::Kernels*> sets{&pixels::kScalarKernels};
#if defined(LC_X86_KERNELS)
  if (__builtin_cpu_supports("avx2")) sets.push_back(&pixels::kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    sets.push_back(&pixels::kAvx512Kernels);
  }
#endif
  return sets;
}

}  // namespace lc::test
