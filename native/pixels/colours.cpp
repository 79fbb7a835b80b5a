#include <algorithm>

#include "pixels.h"

namespace lc::pixels {
namespace {

// a * b / 255, rounded, without a division: Pillow's MULDIV255.
std::uint8_t scaled(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

}  // namespace

void cmykToRgb(const std::uint8_t* cmyk, std::size_t count, std::uint8_t* rgb) {
  for (std::size_t pixel = 0; pixel < count; ++pixel, cmyk += 4, rgb += 3) {
    const unsigned light = 255U - cmyk[3];
    for (int channel = 0; channel < 3; ++channel) {
      rgb[channel] =
          static_cast<std::uint8_t>(light - std::min<unsigned>(light, scaled(cmyk[channel], light)));
    }
  }
}

void grey16ToRgb(const std::uint16_t* grey, std::size_t count, std::uint8_t* rgb) {
  for (std::size_t pixel = 0; pixel < count; ++pixel, rgb += 3) {
    std::fill_n(rgb, 3, static_cast<std::uint8_t>(std::min<std::uint16_t>(grey[pixel], 255)));
  }
}

}  // namespace lc::pixels
