// The plain loops by name: the vector sets finish their rows with them. Declarations and constants only, for
// nothing here may be compiled into two instruction sets under one symbol.
#pragma once

#include "kernels.h"

namespace lc::pixels {

inline constexpr std::int32_t kPillowHalf = 1 << 21;               // Half of a unit of 22 fractional bits.
inline constexpr float kCubicUnit = 1.0F / (1 << 11) / (1 << 11);  // Two passes of 11 fractional bits.

namespace scalar {

void packRows(FourRows<const std::uint8_t> rows, int channels, std::size_t pixels, std::uint8_t* packed);
void packRowsFrom(std::size_t begin, FourRows<const std::uint8_t> rows, int channels, std::size_t pixels,
                  std::uint8_t* packed);
void areaColumns(const std::uint8_t* packed, Columns<float> columns, int channels, FourRows<float> out);
void areaRow(RowSum<float, float> sum, std::uint8_t* out);
void boxRow(BoxRow box, std::uint8_t* out);
void pillowColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::uint8_t> out);
void pillowRow(RowSum<std::uint8_t, std::int32_t> sum, std::uint8_t* out);
void premultiply(const std::uint8_t* rgba, std::size_t count, std::uint8_t* target);
void unpremultiply(std::uint8_t* rgba, std::size_t count);
void openCvColumns(const std::uint8_t* packed, Columns<std::int32_t> columns, int channels,
                   FourRows<std::int32_t> out);
void linearRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out);
void cubicRow(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out);
void splitAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha);
void mirrorRow(const std::uint8_t* rgb, std::size_t width, std::uint8_t* target);

}  // namespace scalar
}  // namespace lc::pixels
