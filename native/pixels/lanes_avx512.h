// Sixteen lanes in one AVX-512 register. See lanes_avx2.h, which has the same names.
#pragma once

#include <immintrin.h>

#include "kernels_scalar.h"

namespace lc::pixels {
namespace {

struct Ints {
  __m512i lanes;
};

struct Floats {
  __m512 lanes;
};

inline Ints broadcast(std::int32_t value) {
  return {_mm512_set1_epi32(value)};
}

inline Ints widen(__m128i bytes) {
  return {_mm512_cvtepu8_epi32(bytes)};
}
inline Ints loadInts(const std::int32_t* p) {
  return {_mm512_loadu_si512(p)};
}
inline Floats loadFloats(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline void store(float* p, Floats a) {
  _mm512_storeu_ps(p, a.lanes);
}

inline Ints operator+(Ints a, Ints b) {
  return {_mm512_add_epi32(a.lanes, b.lanes)};
}
inline Ints operator*(Ints a, std::int32_t b) {
  return {_mm512_mullo_epi32(a.lanes, _mm512_set1_epi32(b))};
}
template <int kBits>
inline Ints shiftRight(Ints a) {
  return {_mm512_srai_epi32(a.lanes, kBits)};
}

inline Floats operator+(Floats a, Floats b) {
  return {_mm512_add_ps(a.lanes, b.lanes)};
}
inline Floats operator-(Floats a, float b) {
  return {_mm512_sub_ps(a.lanes, _mm512_set1_ps(b))};
}
inline Floats operator*(Floats a, float b) {
  return {_mm512_mul_ps(a.lanes, _mm512_set1_ps(b))};
}
inline Floats operator/(Floats a, float b) {
  return {_mm512_div_ps(a.lanes, _mm512_set1_ps(b))};
}

inline Floats operator/(Floats a, Floats b) {
  return {_mm512_div_ps(a.lanes, b.lanes)};
}

inline Floats toFloats(Ints a) {
  return {_mm512_cvtepi32_ps(a.lanes)};
}
// Half to even.
inline Ints toInts(Floats a) {
  return {_mm512_cvtps_epi32(a.lanes)};
}

inline Ints truncated(Floats a) {
  return {_mm512_cvttps_epi32(a.lanes)};
}

// Clamps to 0..255.
inline __m128i toBytes(Ints a) {
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(a.lanes, _mm512_setzero_si512()));
}

// Writes each quarter to its row.
inline void storeQuarters(FourRows<std::int32_t> rows, std::size_t offset, Ints a) {
  const auto put = [&](int row, __m128i quarter) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rows.row[row] + offset), quarter);
  };
  put(0, _mm512_castsi512_si128(a.lanes));
  put(1, _mm512_extracti32x4_epi32(a.lanes, 1));
  put(2, _mm512_extracti32x4_epi32(a.lanes, 2));
  put(3, _mm512_extracti32x4_epi32(a.lanes, 3));
}

inline void storeQuarters(FourRows<float> rows, std::size_t offset, Floats a) {
  _mm_storeu_ps(rows.row[0] + offset, _mm512_castps512_ps128(a.lanes));
  _mm_storeu_ps(rows.row[1] + offset, _mm512_extractf32x4_ps(a.lanes, 1));
  _mm_storeu_ps(rows.row[2] + offset, _mm512_extractf32x4_ps(a.lanes, 2));
  _mm_storeu_ps(rows.row[3] + offset, _mm512_extractf32x4_ps(a.lanes, 3));
}

}  // namespace
}  // namespace lc::pixels
