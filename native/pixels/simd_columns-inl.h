// The horizontal kernels over packed rows: a tap is one vector of four rows times one weight. Included by the
// file of each instruction set after its lanes_*.h.
namespace lc::pixels {
namespace {

inline __m128i loadPacked(const std::uint8_t* pixel) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel));
}

inline void storeFour(std::uint8_t* target, int bytes) {
  __builtin_memcpy(target, &bytes, 4);
}

// Three-channel pixels are written four elements wide; the next pixel overwrites the fourth.
struct QuarterWriter {
  template <typename Element, typename Lanes>
  void operator()(FourRows<Element> out, std::size_t offset, Lanes lanes) const {
    storeQuarters(out, offset, lanes);
  }
};

struct PillowWriter {
  void operator()(FourRows<std::uint8_t> out, std::size_t offset, Ints sums) const {
    const __m128i bytes = toBytes(shiftRight<22>(sums));
    storeFour(out.row[0] + offset, _mm_cvtsi128_si32(bytes));
    storeFour(out.row[1] + offset, _mm_extract_epi32(bytes, 1));
    storeFour(out.row[2] + offset, _mm_extract_epi32(bytes, 2));
    storeFour(out.row[3] + offset, _mm_extract_epi32(bytes, 3));
  }
};

inline Ints tap(const std::uint8_t* pixel, std::int32_t weight) {
  return widen(loadPacked(pixel)) * weight;
}
inline Floats tap(const std::uint8_t* pixel, float weight) {
  return toFloats(widen(loadPacked(pixel))) * weight;
}

// kTaps is the number of taps if it is known at compile time, or 0.
template <int kTaps, typename Weight, typename Element, typename Write>
void filterColumns(const std::uint8_t* packed, Columns<Weight> columns, std::size_t channels,
                   FourRows<Element> out, Write write, Ints start) {
  const int taps = kTaps != 0 ? kTaps : columns.taps;
  const Weight* weights = columns.weights;
  for (int x = 0; x < columns.count; ++x, weights += taps) {
    const std::uint8_t* const pixels = packed + std::ptrdiff_t{columns.first[x]} * kPackedPixel;
    auto sums = tap(pixels, weights[0]);
    if constexpr (sizeof(Element) == 1) sums = sums + start;
    for (int k = 1; k < taps; ++k) sums = sums + tap(pixels + k * kPackedPixel, weights[k]);
    write(out, static_cast<std::size_t>(x) * channels, sums);
  }
}

template <typename Weight, typename Element, typename Write>
void filterColumnsByTaps(const std::uint8_t* packed, Columns<Weight> columns, int channels,
                         FourRows<Element> out, Write write, Ints start) {
  const auto stride = static_cast<std::size_t>(channels);
  switch (columns.taps) {
    case 2:
      return filterColumns<2>(packed, columns, stride, out, write, start);
    case 3:
      return filterColumns<3>(packed, columns, stride, out, write, start);
    case 4:
      return filterColumns<4>(packed, columns, stride, out, write, start);
    case 6:
      return filterColumns<6>(packed, columns, stride, out, write, start);
    case 7:
      return filterColumns<7>(packed, columns, stride, out, write, start);
    default:
      return filterColumns<0>(packed, columns, stride, out, write, start);
  }
}

void areaColumns(const std::uint8_t* packed, Columns<float> columns, int channels, FourRows<float> out) {
  filterColumnsByTaps(packed, columns, channels, out, QuarterWriter{}, broadcast(0));
}

void openCvColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::int32_t> out) {
  filterColumnsByTaps(packed, columns, channels, out, QuarterWriter{}, broadcast(0));
}

void pillowColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::uint8_t> out) {
  filterColumnsByTaps(packed, columns, channels, out, PillowWriter{}, broadcast(kPillowHalf));
}

}  // namespace
}  // namespace lc::pixels
