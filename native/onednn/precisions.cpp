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

// bfloat16 products a cycle against float32 ones: 16 times as many with AMX, so that three of them still win;
// twice as many with AVX512_BF16.
constexpr std::array kWithAmx{lc_precision{LC_BF16}, lc_precision{LC_BF16X3}, lc_precision{LC_FP32}};
constexpr std::array kWithBfloat16{lc_precision{LC_BF16}, lc_precision{LC_FP32}, lc_precision{LC_BF16X3}};
constexpr std::array kPlain{lc_precision{LC_FP32}};

}  // namespace

std::span<const lc_precision> precisions() {
  if (has(dnnl::cpu_isa::avx512_core_amx)) return kWithAmx;
  if (has(dnnl::cpu_isa::avx512_core_bf16)) return kWithBfloat16;
  return kPlain;
}

const char* instructionSet() {
  if (has(dnnl::cpu_isa::avx512_core_amx)) return "AVX-512 with AMX";
  if (has(dnnl::cpu_isa::avx512_core_bf16)) return "AVX-512 with bfloat16";
  if (has(dnnl::cpu_isa::avx512_core)) return "AVX-512";
  if (has(dnnl::cpu_isa::avx2)) return "AVX2";
  return "SSE4.1";
}

}  // namespace lc::onednn
