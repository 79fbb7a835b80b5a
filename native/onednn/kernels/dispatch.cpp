// The one place where the CPU is asked what it can do.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "sets.h"

namespace lc::onednn {
namespace {

// Slowest first.
constexpr const Kernels* kSets[] = {
    &kScalarKernels,
#if defined(LC_X86_KERNELS)
    &kAvx2Kernels,
    &kAvx512Kernels,
#endif
};

bool runsHere([[maybe_unused]] const Kernels& set) {
#if defined(LC_X86_KERNELS)
  if (&set == &kAvx2Kernels) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (&set == &kAvx512Kernels) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  }
#endif
  return true;
}

// The last set that runs here and is not above the cap; none is above an absent or unknown one.
const Kernels& choose(const char* cap) {
  const Kernels* chosen = &kScalarKernels;
  for (const Kernels* const set : kSets) {
    if (runsHere(*set)) chosen = set;
    if (cap != nullptr && std::strcmp(set->name, cap) == 0) break;
  }
  return *chosen;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose(std::getenv("LATENT_CACHE_ISA"));
  return chosen;
}

const Kernels* kernelsNamed(const char* name) {
  for (const Kernels* const set : kSets) {
    if (std::strcmp(set->name, name) == 0) return runsHere(*set) ? set : nullptr;
  }
  return nullptr;
}

std::size_t partsOf(Operand operand) {
  return operand == Operand::kSplit ? 3 : 1;
}

std::size_t partBytes(Operand operand) {
  return operand == Operand::kFloat32 ? sizeof(float) : sizeof(std::uint16_t);
}

std::size_t operandBytes(Operand operand) {
  return partsOf(operand) * partBytes(operand);
}

}  // namespace lc::onednn
