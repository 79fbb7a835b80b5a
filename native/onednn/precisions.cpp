#include "onednn/precisions.h"

#include <array>
#include <oneapi/dnnl/dnnl.hpp>

namespace lc::onednn {
namespace {

// Sets of a processor include those below them, and their numbers have the same bits.
bool has(dnnl::cpu_isa set) {
  const auto effective = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto asked = static_cast<unsigned>(set);
  return (effective & asked) == asked;
}

// Convolutions in bfloat16 against those in float32: with AMX 6 to 8 times as fast, twice with AVX512_BF16. A
// split one is six of them. So it wins with AMX alone, and only where float32 has no algorithm of Winograd's,
// which makes it 1.5 times as fast: oneDNN lost that with version 3.
constexpr std::array kSplitFirst{lc_precision{LC_BF16}, lc_precision{LC_BF16X3}, lc_precision{LC_FP32}};
constexpr std::array kSplitLast{lc_precision{LC_BF16}, lc_precision{LC_FP32}, lc_precision{LC_BF16X3}};
constexpr std::array kPlain{lc_precision{LC_FP32}};

}  // namespace

std::span<const lc_precision> precisions() {
  if (!has(dnnl::cpu_isa::avx512_core_bf16)) return kPlain;
  const bool hasWinograd = dnnl_version()->major < 3;
  if (has(dnnl::cpu_isa::avx512_core_amx) && !hasWinograd) return kSplitFirst;
  return kSplitLast;
}

const char* instructionSet() {
  if (has(dnnl::cpu_isa::avx512_core_amx)) return "AVX-512 with AMX";
  if (has(dnnl::cpu_isa::avx512_core_bf16)) return "AVX-512 with bfloat16";
  if (has(dnnl::cpu_isa::avx512_core)) return "AVX-512";
  if (has(dnnl::cpu_isa::avx2)) return "AVX2";
  return "SSE4.1";
}

}  // namespace lc::onednn
