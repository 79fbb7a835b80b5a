// The kernels that move pixels: packing, box means, splitting, mirroring, normalising. They shuffle within
// 128 bits.
namespace lc::pixels {
namespace {

inline __m128i load16(const std::uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline void store16(std::uint8_t* p, __m128i bytes) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}

// Moves byte index[i] to place i; an index of -1 gives zero.
inline __m128i shuffle(__m128i bytes, __m128i index) {
  return _mm_shuffle_epi8(bytes, index);
}

void packRows(FourRows<const std::uint8_t> rows, int channels, std::size_t pixels, std::uint8_t* packed) {
  const auto stride = static_cast<std::size_t>(channels);
  // Four pixels of a row, each in four bytes.
  const __m128i index = channels == 3 ? _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1)
                                      : _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  std::size_t x = 0;
  // Sixteen bytes are read at pixel x, at most five and a third pixels.
  for (; x + 6 <= pixels; x += 4) {
    const __m128i a = shuffle(load16(rows.row[0] + x * stride), index);
    const __m128i b = shuffle(load16(rows.row[1] + x * stride), index);
    const __m128i c = shuffle(load16(rows.row[2] + x * stride), index);
    const __m128i d = shuffle(load16(rows.row[3] + x * stride), index);
    // Transpose four rows of four pixels.
    const __m128i ab01 = _mm_unpacklo_epi32(a, b);
    const __m128i cd01 = _mm_unpacklo_epi32(c, d);
    const __m128i ab23 = _mm_unpackhi_epi32(a, b);
    const __m128i cd23 = _mm_unpackhi_epi32(c, d);
    std::uint8_t* const target = packed + x * kPackedPixel;
    store16(target, _mm_unpacklo_epi64(ab01, cd01));
    store16(target + kPackedPixel, _mm_unpackhi_epi64(ab01, cd01));
    store16(target + 2 * kPackedPixel, _mm_unpacklo_epi64(ab23, cd23));
    store16(target + 3 * kPackedPixel, _mm_unpackhi_epi64(ab23, cd23));
  }
  scalar::packRowsFrom(x, rows, channels, pixels, packed);
}

inline __m128i widenFour(const std::uint8_t* p) {
  int bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
}

// Two output pixels from four pixels of two rows: neighbours are brought together and added in pairs.
std::size_t halveRow(BoxRow box, std::uint8_t* out) {
  const auto channels = static_cast<std::size_t>(box.channels);
  const __m128i pairs = channels == 3 ? _mm_setr_epi8(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1)
                                      : _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  const __m128i ones = _mm_set1_epi8(1);
  std::size_t x = box.begin;
  for (; x + 4 <= box.end; x += 2) {
    const __m128i upper = _mm_maddubs_epi16(shuffle(load16(box.rows[0] + x * 2 * channels), pairs), ones);
    const __m128i lower = _mm_maddubs_epi16(shuffle(load16(box.rows[1] + x * 2 * channels), pairs), ones);
    const __m128i sum = _mm_add_epi16(_mm_add_epi16(upper, lower), _mm_set1_epi16(2));
    const __m128i mean = _mm_srli_epi16(sum, 2);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + x * channels), _mm_packus_epi16(mean, mean));
  }
  return x;
}

std::size_t meanRow(BoxRow box, std::uint8_t* out) {
  const auto channels = static_cast<std::size_t>(box.channels);
  const std::size_t boxBytes = static_cast<std::size_t>(box.boxColumns) * channels;
  const __m128 reciprocal = _mm_set1_ps(1.0F / static_cast<float>(box.boxRows * box.boxColumns));
  std::size_t x = box.begin;
  // Four bytes are read and written for three: the last pixel is left to the plain loop.
  for (; x + 1 < box.end; ++x) {
    __m128i sum = _mm_setzero_si128();
    for (int y = 0; y < box.boxRows; ++y) {
      const std::uint8_t* const pixels = box.rows[y] + x * boxBytes;
      for (std::size_t k = 0; k < boxBytes; k += channels) sum = _mm_add_epi32(sum, widenFour(pixels + k));
    }
    const __m128i mean = _mm_cvtps_epi32(_mm_mul_ps(_mm_cvtepi32_ps(sum), reciprocal));
    const __m128i words = _mm_packs_epi32(mean, mean);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    __builtin_memcpy(out + x * channels, &bytes, 4);
  }
  return x;
}

void boxRow(BoxRow box, std::uint8_t* out) {
  box.begin = box.boxRows == 2 && box.boxColumns == 2 ? halveRow(box, out) : meanRow(box, out);
  scalar::boxRow(box, out);
}

// The alpha of each of four pixels in the places of its colours, and 255 in the place of the alpha.
inline __m128i alphaFactors(__m128i pixels) {
  const __m128i index = _mm_setr_epi8(3, 3, 3, -1, 7, 7, 7, -1, 11, 11, 11, -1, 15, 15, 15, -1);
  return _mm_or_si128(shuffle(pixels, index), _mm_set1_epi32(static_cast<int>(0xFF000000U)));
}

// Alpha times 255 / 255 is alpha, so all four channels take the same way.
void premultiply(const std::uint8_t* rgba, std::size_t count, std::uint8_t* target) {
  const auto scaled = [](__m128i colors, __m128i factors) {
    const __m128i product = _mm_add_epi16(_mm_mullo_epi16(colors, factors), _mm_set1_epi16(128));
    return _mm_srli_epi16(_mm_add_epi16(product, _mm_srli_epi16(product, 8)), 8);
  };
  const __m128i zero = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i pixels = load16(rgba + i * 4);
    const __m128i factors = alphaFactors(pixels);
    store16(target + i * 4,
            _mm_packus_epi16(scaled(_mm_unpacklo_epi8(pixels, zero), _mm_unpacklo_epi8(factors, zero)),
                             scaled(_mm_unpackhi_epi8(pixels, zero), _mm_unpackhi_epi8(factors, zero))));
  }
  scalar::premultiply(rgba + i * 4, count - i, target + i * 4);
}

// The float quotient of such small numbers never rounds up to the next integer, so truncating it is the
// integer quotient.
void unpremultiply(std::uint8_t* rgba, std::size_t count) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i pixels = load16(rgba + i * 4);
    const __m128i divisors = alphaFactors(pixels);
    const Floats quotients = toFloats(widen(pixels) * 255) / toFloats(widen(divisors));
    const __m128i isTransparent = _mm_cmpeq_epi8(divisors, _mm_setzero_si128());
    store16(rgba + i * 4, _mm_blendv_epi8(toBytes(truncated(quotients)), pixels, isTransparent));
  }
  scalar::unpremultiply(rgba + i * 4, count - i);
}

void splitAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha) {
  const __m128i index = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
  std::size_t i = 0;
  // The four alphas land behind the twelve bytes of colour, where the next pixels overwrite them.
  for (; i + 6 <= count; i += 4) {
    const __m128i pixels = shuffle(load16(rgba + i * 4), index);
    store16(rgb + i * 3, pixels);
    const int alphas = _mm_extract_epi32(pixels, 3);
    __builtin_memcpy(alpha + i, &alphas, 4);
  }
  scalar::splitAlpha(rgba + i * 4, count - i, rgb + i * 3, alpha + i);
}

void mirrorRow(const std::uint8_t* rgb, std::size_t width, std::uint8_t* target) {
  const __m128i index = _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
  std::size_t x = 0;
  // Five pixels at a time. The byte before them comes along and is overwritten by the next pixels.
  for (; x + 5 < width; x += 5) {
    store16(target + x * 3, shuffle(load16(rgb + (width - 5 - x) * 3 - 1), index));
  }
  scalar::mirrorRow(rgb, width - x, target + x * 3);
}

}  // namespace
}  // namespace lc::pixels
