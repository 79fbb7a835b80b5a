// What the tests of the kernels around oneDNN share: the sets of this machine, rows with guards, operands
// read back.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "kernels.h"

namespace lc::test {

using onednn::Kernels;
using onednn::Operand;

constexpr Operand kOperands[] = {Operand::kFloat32, Operand::kBfloat16, Operand::kSplit};

inline std::vector<const Kernels*> kernelSets() {
  std::vector<const Kernels*> sets;
  for (const char* const name : {"scalar", "avx2", "avx512"}) {
    if (const Kernels* const set = onednn::kernelsNamed(name)) sets.push_back(set);
  }
  return sets;
}

// Memory with bytes on both sides that must stay as they are.
template <typename Value>
class Guarded {
 public:
  explicit Guarded(std::size_t count) : count_(count), bytes_(count * sizeof(Value) + 2 * kGuard, kMark) {}

  Value* data() { return reinterpret_cast<Value*>(bytes_.data() + kGuard); }
  Value operator[](std::size_t i) { return data()[i]; }

  bool isIntact() const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (bytes_[i] != kMark || bytes_[kGuard + count_ * sizeof(Value) + i] != kMark) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 256;
  static constexpr unsigned char kMark = 0xA5;
  std::size_t count_;
  std::vector<unsigned char> bytes_;
};

inline float fromBits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t bitsOf(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float fromBfloat16(std::uint16_t bits) {
  return fromBits(std::uint32_t{bits} << 16);
}

// The nearer of the two bfloat16 around a float32, the even one of two that are as near. Not for NaN.
inline std::uint16_t nearestBfloat16(float value) {
  const std::uint32_t kept = bitsOf(value) >> 16;
  const std::uint32_t cut = bitsOf(value) & 0xFFFF;
  const bool isUp = cut > 0x8000 || (cut == 0x8000 && kept % 2 == 1);
  return static_cast<std::uint16_t>(isUp ? kept + 1 : kept);
}

// Value i of operands; parts of kSplit lie `plane` values apart.
inline double readOperand(Operand operand, const unsigned char* operands, std::size_t i, std::size_t plane) {
  if (operand == Operand::kFloat32) {
    float value;
    std::memcpy(&value, operands + i * sizeof value, sizeof value);
    return static_cast<double>(value);
  }
  double sum = 0.0;
  for (std::size_t part = 0; part < (operand == Operand::kSplit ? 3 : 1); ++part) {
    std::uint16_t value;
    std::memcpy(&value, operands + (part * plane + i) * sizeof value, sizeof value);
    sum += static_cast<double>(fromBfloat16(value));
  }
  return sum;
}

// The largest relative error that the kind adds to a value none of whose parts is a subnormal number: three
// parts have the 24 bits of a float32.
inline double roundingOf(Operand operand) {
  return operand == Operand::kBfloat16 ? 0x1p-8 : 0.0;
}

inline const char* nameOf(Operand operand) {
  return operand == Operand::kFloat32 ? "float32" : operand == Operand::kBfloat16 ? "bfloat16" : "split";
}

inline std::vector<float> randomValues(std::size_t count, std::mt19937& generator, float spread) {
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

// The larger of the two; once NaN, always NaN, which no bound allows.
inline double worse(double worst, double error) {
  return error <= worst || std::isnan(worst) ? worst : error;
}

// The error of `actual` in units of the last place of a normal float32 as large as `expected`.
inline double unitsOff(float actual, double expected) {
  int exponent = 0;
  std::frexp(expected, &exponent);
  return std::fabs(std::ldexp(static_cast<double>(actual) - expected, 24 - exponent));
}

}  // namespace lc::test
