// The inner loops, one set for each instruction set. Every set computes the same bits.
//
// The horizontal pass works on four source rows at once, "packed": sixteen bytes for each source pixel, row
// by row, four channels each (the fourth byte is zero or alpha). One vector then holds what a filter tap
// needs of four rows, whatever the scale and the number of channels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lc::pixels {

inline constexpr int kPackedRows = 4;
inline constexpr int kPackedPixel = 16;

// Four rows that go into or come out of a horizontal pass. Output rows need room for one element more than
// they hold.
template <typename Element>
struct FourRows {
  Element* row[kPackedRows];
};

// View of an AxisTable; first[] counts packed pixels.
template <typename Weight>
struct Columns {
  const int* first;
  const Weight* weights;
  int taps;
  int count;
};

// One output row as a weighted sum of rows, for the elements [begin, end); out points to element 0.
template <typename Element, typename Weight>
struct RowSum {
  const Element* const* rows;
  const Weight* weights;
  int taps;
  std::size_t begin;
  std::size_t end;
};

// A row of pixels, each the mean of a box of columns * rows source pixels. `rows` points to the first box.
struct BoxRow {
  const std::uint8_t* const* rows;
  int boxRows;
  int boxColumns;
  int channels;
  std::size_t begin;
  std::size_t end;
};

struct Kernels {
  const char* name;

  void (*packRows)(FourRows<const std::uint8_t> rows, int channels, std::size_t pixels, std::uint8_t* packed);

  void (*areaColumns)(const std::uint8_t* packed, Columns<float> columns, int channels, FourRows<float> out);
  void (*areaRow)(RowSum<float, float> sum, std::uint8_t* out);
  void (*boxRow)(BoxRow box, std::uint8_t* out);

  void (*pillowColumns)(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                        FourRows<std::uint8_t> out);
  void (*pillowRow)(RowSum<std::uint8_t, std::int32_t> sum, std::uint8_t* out);

  // Pillow's conversions between RGBA and RGBa (colour times alpha); the second in place.
  void (*premultiply)(const std::uint8_t* rgba, std::size_t count, std::uint8_t* target);
  void (*unpremultiply)(std::uint8_t* rgba, std::size_t count);

  void (*openCvColumns)(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                        FourRows<std::int32_t> out);
  void (*linearRow)(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out);
  void (*cubicRow)(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out);

  void (*splitAlpha)(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha);
  void (*mirrorRow)(const std::uint8_t* rgb, std::size_t width, std::uint8_t* target);
};

extern const Kernels kScalarKernels;
#if defined(LC_X86_KERNELS)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

// The best set that this CPU runs, capped by the environment variable LATENT_CACHE_ISA; chosen at the first
// call.
const Kernels& kernels();

}  // namespace lc::pixels
