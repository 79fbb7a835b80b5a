#include <algorithm>

#include "pixels.h"

namespace lc::pixels {
namespace {

// a * b / 255, rounded, without a division: Pillow's MULDIV255.
std::uint8_t scaled(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

// Pillow's alpha_composite keeps seven bits more than a byte and divides by 255 once, rounded.
constexpr unsigned kMoreBits = 7;

std::uint8_t blended(unsigned front, unsigned back, unsigned alpha) {
  const unsigned sum = ((front * alpha + back * (255U - alpha)) << kMoreBits) + (128U << kMoreBits);
  return static_cast<std::uint8_t>((((sum >> 8) + sum) >> 8) >> kMoreBits);
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

void flatten(const std::uint8_t* rgba, std::size_t count, Colour background, std::uint8_t* rgb) {
  for (std::size_t pixel = 0; pixel < count; ++pixel, rgba += 4, rgb += 3) {
    rgb[0] = blended(rgba[0], background.red, rgba[3]);
    rgb[1] = blended(rgba[1], background.green, rgba[3]);
    rgb[2] = blended(rgba[2], background.blue, rgba[3]);
  }
}

}  // namespace lc::pixels
