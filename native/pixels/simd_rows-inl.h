// The vertical kernels: one output row from whole rows, sixteen elements at a time; the plain loops finish
// the row.
namespace lc::pixels {
namespace {

constexpr std::size_t kLanes = 16;

inline __m128i loadBytes(const std::uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline void storeBytes(std::uint8_t* p, Ints values) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), toBytes(values));
}

// The part of a row sum that whole vectors leave over.
template <typename Element, typename Weight>
RowSum<Element, Weight> startingAt(std::size_t x, RowSum<Element, Weight> sum) {
  sum.begin = x;
  return sum;
}

inline Floats areaSum(RowSum<float, float> sum, std::size_t x) {
  Floats total = loadFloats(sum.rows[0] + x) * sum.weights[0];
  for (int k = 1; k < sum.taps; ++k) total = total + loadFloats(sum.rows[k] + x) * sum.weights[k];
  return total;
}

void areaRow(RowSum<float, float> sum, std::uint8_t* out) {
  std::size_t x = sum.begin;
  for (; x + kLanes <= sum.end; x += kLanes) storeBytes(out + x, toInts(areaSum(sum, x)));
  scalar::areaRow(startingAt(x, sum), out);
}

void pillowRow(RowSum<std::uint8_t, std::int32_t> sum, std::uint8_t* out) {
  // One weight serves several vectors, which also hides the multiplier's latency.
  constexpr std::size_t kVectors = 4;
  std::size_t x = sum.begin;
  for (; x + kVectors * kLanes <= sum.end; x += kVectors * kLanes) {
    Ints totals[kVectors];
    for (Ints& total : totals) total = broadcast(kPillowHalf);
    for (int k = 0; k < sum.taps; ++k) {
      const std::uint8_t* const row = sum.rows[k] + x;
      for (std::size_t v = 0; v < kVectors; ++v) {
        totals[v] = totals[v] + widen(loadBytes(row + v * kLanes)) * sum.weights[k];
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) storeBytes(out + x + v * kLanes, shiftRight<22>(totals[v]));
  }
  scalar::pillowRow(startingAt(x, sum), out);
}

void linearRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
  std::size_t x = sum.begin;
  for (; x + kLanes <= sum.end; x += kLanes) {
    const Ints upper = shiftRight<16>(shiftRight<4>(loadInts(sum.rows[0] + x)) * sum.weights[0]);
    const Ints lower = shiftRight<16>(shiftRight<4>(loadInts(sum.rows[1] + x)) * sum.weights[1]);
    storeBytes(out + x, shiftRight<2>(upper + lower + broadcast(2)));
  }
  scalar::linearRow(startingAt(x, sum), out);
}

void cubicRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
  float weights[4];
  for (int k = 0; k < 4; ++k) weights[k] = static_cast<float>(sum.weights[k]) * kCubicUnit;
  std::size_t x = sum.begin;
  for (; x + kLanes <= sum.end; x += kLanes) {
    Floats total = toFloats(loadInts(sum.rows[3] + x)) * weights[3];
    for (int k = 2; k >= 0; --k) total = total + toFloats(loadInts(sum.rows[k] + x)) * weights[k];
    storeBytes(out + x, toInts(total));
  }
  scalar::cubicRow(startingAt(x, sum), out);
}

}  // namespace
}  // namespace lc::pixels
