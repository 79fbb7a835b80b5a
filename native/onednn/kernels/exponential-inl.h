// e^x in float32: sums and products without branches, so that the compiler makes vectors of loops over it.
//
// All of the *-inl.h files is in an unnamed namespace, and calls no function that has other copies: what one
// instruction set was compiled for must not be linked into another.
#pragma once

#include <cstdint>
#include <cstring>

namespace lc::onednn {
namespace {

inline std::uint32_t bitsOf(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float fromBits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// All ones or nothing: to choose without a branch, which a compiler would pull through all that follows.
inline std::uint32_t maskOf(bool condition) {
  return 0U - static_cast<std::uint32_t>(condition);
}

// The value between two limits, the first above and the second below 0. On the bits, where a minimum is one
// instruction that no compiler makes a branch: positive numbers ascend as signed integers, which negative
// ones are below, and negative numbers descend as unsigned ones, which positive ones are below.
inline float clamp(float x, float highest, float lowest) {
  const auto top = static_cast<std::int32_t>(bitsOf(highest));
  const std::uint32_t bottom = bitsOf(lowest);
  auto bits = static_cast<std::int32_t>(bitsOf(x));
  bits = bits < top ? bits : top;
  const auto rest = static_cast<std::uint32_t>(bits);
  return fromBits(rest < bottom ? rest : bottom);
}

// Within 2 units in the last place from 2^-126 (x = -87.33) to 2^127.5 (88.37); infinity above, 0 below
// 2^-126.5; one of these two for NaN.
inline float exponential(float x) {
  // Just far enough that the power of two becomes infinity and 0.
  constexpr float kHighest = 89.0F;
  constexpr float kLowest = -88.0F;
  // Numbers of this size have no fraction: adding it rounds to an integer, which then stands in the lowest
  // bits.
  constexpr float kRounder = 0x1.8p23F;
  constexpr float kLog2E = 0x1.715476p+0F;
  // ln 2 in two parts; products of the first with integers below 2^8 are exact.
  constexpr float kLn2High = 0x1.62e4p-1F;
  constexpr float kLn2Low = 0x1.7f7d1cp-20F;

  x = clamp(x, kHighest, kLowest);
  // x = exponent * ln 2 + r with |r| < 0.347
  const float rounded = x * kLog2E + kRounder;
  const float exponent = rounded - kRounder;
  const float r = (x - exponent * kLn2High) - exponent * kLn2Low;
  // e^r = 1 + r + r^2 * p within 2^-28: the polynomial whose largest relative error is least (Remez).
  float p = 0x1.6a2256p-10F;
  p = p * r + 0x1.123b02p-7F;
  p = p * r + 0x1.5558f8p-5F;
  p = p * r + 0x1.555490p-3F;
  p = p * r + 0x1.fffffcp-2F;
  const float power = fromBits((bitsOf(rounded) + 127) << 23);
  return (1.0F + (r + r * r * p)) * power;
}

}  // namespace
}  // namespace lc::onednn
