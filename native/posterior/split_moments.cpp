#include <algorithm>
#include <cstring>

#include "posterior.h"

namespace lc::posterior {
namespace {

// Larger than that of any finite number for NaN and infinity, and never negative.
std::int32_t magnitudeBits(float value) {
  std::int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & 0x7FFFFFFF;
}

}  // namespace

bool splitMoments(const float* moments, std::size_t length, Clamp clamp, float* mean, float* logvar) {
  constexpr std::int32_t kInfinityBits = 0x7F800000;
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < length; ++i) {
    largest = std::max(largest, magnitudeBits(moments[i]));
    mean[i] = moments[i];
  }
  for (std::size_t i = 0; i < length; ++i) {
    const float raw = moments[length + i];
    largest = std::max(largest, magnitudeBits(raw));
    const float lifted = raw < clamp.minimum ? clamp.minimum : raw;
    logvar[i] = lifted > clamp.maximum ? clamp.maximum : lifted;
  }
  return largest < kInfinityBits;
}

}  // namespace lc::posterior
