// Logarithm, circle and exponential in float64 that give the same bits wherever float64 is IEEE 754 and
// nothing is contracted (-ffp-contract=off): the C library's differ between machines. Sums, products and
// quotients without branches, so that the compiler makes vectors of loops over them.
//
// Each reduces its argument, then sums a Taylor series by Horner's rule; its coefficients are written as the
// fractions they are. What a series leaves out is below 2^-57 of the result, rounding adds less than 2 units
// in the last place.
//
// All of it is in an unnamed namespace: what one instruction set was compiled for must not be linked into
// another.
#pragma once

#include <cstdint>
#include <cstring>

namespace lc::posterior {
namespace {

// ln 2 in two parts; products of the first with integers below 2^11 are exact.
constexpr double kLn2High = 0x1.62e42fefa38p-1;
constexpr double kLn2Low = 0x1.ef35793c7673p-45;
constexpr double kLog2E = 0x1.71547652b82fep+0;
// 2 pi in two parts, the nearest float64 first.
constexpr double kTwoPiHigh = 0x1.921fb54442d18p+2;
constexpr double kTwoPiLow = 0x1.1a62633145c07p-52;
// Numbers of this size have no fraction: adding it rounds to an integer, which then stands in the lowest
// bits.
constexpr double kRounder = 0x1.8p52;

inline std::uint64_t bitsOf(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline double fromBits(std::uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// An integer below 2^52, exactly.
inline double toDouble(std::uint64_t integer) {
  return fromBits(bitsOf(0x1p52) | integer) - 0x1p52;
}

// Natural logarithm of a positive normal number.
inline double logarithm(double x) {
  // x = 2^exponent * m with sqrt(1/2) <= m < sqrt(2)
  constexpr std::uint64_t kMantissaBits = 52;
  constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCD;
  constexpr std::uint64_t kOne = 0x3FF0000000000000;
  const std::uint64_t biased = (bitsOf(x) + (kOne - kSqrtHalf)) >> kMantissaBits;
  const double m = fromBits(bitsOf(x) - (biased << kMantissaBits) + kOne);
  const double exponent = toDouble(biased) - 1023.0;
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...) with |s| < 0.172; and 2s = f - s * f, where f is exact.
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double r = 2.0 / 21.0;
  r = r * z + 2.0 / 19.0;
  r = r * z + 2.0 / 17.0;
  r = r * z + 2.0 / 15.0;
  r = r * z + 2.0 / 13.0;
  r = r * z + 2.0 / 11.0;
  r = r * z + 2.0 / 9.0;
  r = r * z + 2.0 / 7.0;
  r = r * z + 2.0 / 5.0;
  r = r * z + 2.0 / 3.0;
  return exponent * kLn2High + (f - (s * (f - r * z) - exponent * kLn2Low));
}

struct CirclePoint {
  double cosine;
  double sine;
};

// The point at an angle of 0 to 1 turns.
inline CirclePoint circlePoint(double turns) {
  const double rounded = turns * 4.0 + kRounder;
  const std::uint64_t quarters = bitsOf(rounded);
  // At most an eighth of a turn is left, exactly; x is the same in radians.
  const double rest = turns - (rounded - kRounder) * 0.25;
  const double x = rest * kTwoPiHigh + rest * kTwoPiLow;
  const double z = x * x;

  double s = 1.0 / 355687428096000.0;
  s = s * z - 1.0 / 1307674368000.0;
  s = s * z + 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  const std::uint64_t sine = bitsOf(x + x * (z * s));

  double c = 1.0 / 20922789888000.0;
  c = c * z - 1.0 / 87178291200.0;
  c = c * z + 1.0 / 479001600.0;
  c = c * z - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  const std::uint64_t cosine = bitsOf(1.0 - (z * 0.5 - z * z * c));

  // A quarter turn takes (c, s) to (-s, c).
  const std::uint64_t swap = (sine ^ cosine) & (0 - (quarters & 1));
  const std::uint64_t cosineSign = ((quarters + 1) & 2) << 62;
  const std::uint64_t sineSign = (quarters & 2) << 62;
  return {fromBits(cosine ^ swap ^ cosineSign), fromBits(sine ^ swap ^ sineSign)};
}

// e^x; x beyond 700 either way counts as 700, far outside of float32, NaN stays NaN.
inline double exponential(double x) {
  constexpr double kLimit = 700.0;
  x = x > kLimit ? kLimit : x;
  x = x < -kLimit ? -kLimit : x;
  // x = exponent * ln 2 + r with |r| < 0.347
  const double rounded = x * kLog2E + kRounder;
  const double exponent = rounded - kRounder;
  const double r = (x - exponent * kLn2High) - exponent * kLn2Low;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  const double power = fromBits((bitsOf(rounded) + 1023) << 52);
  return (1.0 + (r + r * r * p)) * power;
}

}  // namespace
}  // namespace lc::posterior
