// Rows of float32 values written as operands; kernels.h says how each kind looks.
#pragma once

#include <cstddef>

#include "exponential-inl.h"
#include "kernels.h"

namespace lc::onednn {
namespace {

// To nearest, ties to even; a value beyond the largest bfloat16 becomes infinity. Of NaN, any bits.
inline std::uint32_t roundNumber(float value) {
  const std::uint32_t bits = bitsOf(value);
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

inline std::uint32_t toBfloat16(float value) {
  constexpr std::uint32_t kQuiet = 0x40;
  const std::uint32_t rounded = roundNumber(value);
  return value != value ? bitsOf(value) >> 16 | kQuiet : rounded;
}

// A row of operands that is being written. The loops take its three pointers as __restrict arguments.
template <Operand kOperand>
struct OperandRow {
  void* target;
  // Parts of kSplit.
  std::uint16_t* middle = nullptr;
  std::uint16_t* low = nullptr;

  OperandRow(void* rows, std::size_t row, std::size_t count, std::size_t plane) {
    constexpr std::size_t kBytes = kOperand == Operand::kFloat32 ? sizeof(float) : sizeof(std::uint16_t);
    target = static_cast<unsigned char*>(rows) + row * count * kBytes;
    if constexpr (kOperand == Operand::kSplit) {
      middle = static_cast<std::uint16_t*>(target) + plane;
      low = middle + plane;
    }
  }
};

template <Operand kOperand>
inline void put(float value, std::size_t i, void* target, std::uint16_t* middle, std::uint16_t* low) {
  if constexpr (kOperand == Operand::kFloat32) {
    static_cast<float*>(target)[i] = value;
  } else {
    const std::uint32_t high = toBfloat16(value);
    static_cast<std::uint16_t*>(target)[i] = static_cast<std::uint16_t>(high);
    if constexpr (kOperand == Operand::kSplit) {
      constexpr std::uint32_t kExponent = 0x7F80;
      const std::uint32_t finite = maskOf((high & kExponent) != kExponent);
      const float left = value - fromBits(high << 16);
      const std::uint32_t second = roundNumber(left);
      middle[i] = static_cast<std::uint16_t>(second & finite);
      low[i] = static_cast<std::uint16_t>(roundNumber(left - fromBits(second << 16)) & finite);
    }
  }
}

// Calls function.operator()<kOperand>(): the kind is known when the loops are compiled.
template <typename Function>
inline void withOperand(Operand operand, Function function) {
  switch (operand) {
    case Operand::kFloat32:
      return function.template operator()<Operand::kFloat32>();
    case Operand::kBfloat16:
      return function.template operator()<Operand::kBfloat16>();
    case Operand::kSplit:
      return function.template operator()<Operand::kSplit>();
  }
}

}  // namespace
}  // namespace lc::onednn
