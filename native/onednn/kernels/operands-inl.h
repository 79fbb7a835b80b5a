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

// What bfloat16 left of a value, as bfloat16; 0 of one that it made an infinity or NaN.
inline std::uint32_t leftOver(float value, std::uint32_t high) {
  constexpr std::uint32_t kExponent = 0x7F80;
  const std::uint32_t low = roundNumber(value - fromBits(high << 16));
  return (high & kExponent) == kExponent ? 0 : low;
}

template <Operand kOperand>
constexpr std::size_t kOperandBytes = kOperand == Operand::kFloat32    ? sizeof(float)
                                      : kOperand == Operand::kBfloat16 ? sizeof(std::uint16_t)
                                                                       : 4 * sizeof(std::uint16_t);

// A row of operands that is being written. The loops take its two pointers as __restrict arguments.
template <Operand kOperand>
struct OperandRow {
  void* target;
  std::uint16_t* low;  // the second part of kSplit

  OperandRow(void* rows, std::size_t row, std::size_t count)
      : target(static_cast<unsigned char*>(rows) + row * count * kOperandBytes<kOperand>),
        low(kOperand == Operand::kSplit ? static_cast<std::uint16_t*>(target) + count : nullptr) {}

  // The last two parts, when the others are there.
  void finish(std::size_t count) const {
    if constexpr (kOperand == Operand::kSplit) {
      std::memcpy(low + count, target, 2 * count * sizeof(std::uint16_t));
    }
  }
};

template <Operand kOperand>
inline void put(float value, std::size_t i, void* target, std::uint16_t* low) {
  if constexpr (kOperand == Operand::kFloat32) {
    static_cast<float*>(target)[i] = value;
  } else {
    const std::uint32_t high = toBfloat16(value);
    static_cast<std::uint16_t*>(target)[i] = static_cast<std::uint16_t>(high);
    if constexpr (kOperand == Operand::kSplit) low[i] = static_cast<std::uint16_t>(leftOver(value, high));
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
