// Sixteen lanes in two AVX2 registers. The kernels are written once for these names; lanes_avx512.h has them
// too. Everything is in an unnamed namespace: no symbol compiled for AVX2 may replace one compiled for any
// x86-64.
#pragma once

#include <immintrin.h>

#include "kernels_scalar.h"

namespace lc::pixels {
namespace {

struct Ints {
  __m256i low;
  __m256i high;
};

struct Floats {
  __m256 low;
  __m256 high;
};

inline Ints broadcast(std::int32_t value) {
  return {_mm256_set1_epi32(value), _mm256_set1_epi32(value)};
}

inline Ints widen(__m128i bytes) {
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
inline Ints loadInts(const std::int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline Floats loadFloats(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void store(float* p, Floats a) {
  _mm256_storeu_ps(p, a.low);
  _mm256_storeu_ps(p + 8, a.high);
}

inline Ints operator+(Ints a, Ints b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline Ints operator*(Ints a, std::int32_t b) {
  const __m256i factor = _mm256_set1_epi32(b);
  return {_mm256_mullo_epi32(a.low, factor), _mm256_mullo_epi32(a.high, factor)};
}
template <int kBits>
inline Ints shiftRight(Ints a) {
  return {_mm256_srai_epi32(a.low, kBits), _mm256_srai_epi32(a.high, kBits)};
}

inline Floats operator+(Floats a, Floats b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline Floats operator-(Floats a, float b) {
  return {_mm256_sub_ps(a.low, _mm256_set1_ps(b)), _mm256_sub_ps(a.high, _mm256_set1_ps(b))};
}
inline Floats operator*(Floats a, float b) {
  return {_mm256_mul_ps(a.low, _mm256_set1_ps(b)), _mm256_mul_ps(a.high, _mm256_set1_ps(b))};
}
inline Floats operator/(Floats a, float b) {
  return {_mm256_div_ps(a.low, _mm256_set1_ps(b)), _mm256_div_ps(a.high, _mm256_set1_ps(b))};
}

inline Floats operator/(Floats a, Floats b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}

inline Floats toFloats(Ints a) {
  return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}
// Half to even.
inline Ints toInts(Floats a) {
  return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)};
}

inline Ints truncated(Floats a) {
  return {_mm256_cvttps_epi32(a.low), _mm256_cvttps_epi32(a.high)};
}

// Clamps to 0..255. The packs work within 128-bit halves, which the last step puts back into order.
inline __m128i toBytes(Ints a) {
  const __m256i words = _mm256_packs_epi32(a.low, a.high);
  const __m256i bytes = _mm256_packus_epi16(words, words);
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
}

// Writes each quarter to its row.
inline void storeQuarters(FourRows<std::int32_t> rows, std::size_t offset, Ints a) {
  const auto put = [&](int row, __m128i quarter) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rows.row[row] + offset), quarter);
  };
  put(0, _mm256_castsi256_si128(a.low));
  put(1, _mm256_extracti128_si256(a.low, 1));
  put(2, _mm256_castsi256_si128(a.high));
  put(3, _mm256_extracti128_si256(a.high, 1));
}

inline void storeQuarters(FourRows<float> rows, std::size_t offset, Floats a) {
  _mm_storeu_ps(rows.row[0] + offset, _mm256_castps256_ps128(a.low));
  _mm_storeu_ps(rows.row[1] + offset, _mm256_extractf128_ps(a.low, 1));
  _mm_storeu_ps(rows.row[2] + offset, _mm256_castps256_ps128(a.high));
  _mm_storeu_ps(rows.row[3] + offset, _mm256_extractf128_ps(a.high, 1));
}

}  // namespace
}  // namespace lc::pixels
