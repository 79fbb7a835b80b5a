// The eight EXIF orientations.
#include <algorithm>
#include <cstring>

#include "pixels.h"

namespace lc::pixels {
namespace {

// The source pixel of target pixel (x, y) is start + x * stepX + y * stepY.
struct Walk {
  std::ptrdiff_t start;
  std::ptrdiff_t stepX;
  std::ptrdiff_t stepY;
};

bool swapsAxes(int orientation) {
  return orientation >= 5;
}

Walk walkOf(int orientation, Size source) {
  const std::ptrdiff_t width = source.width;
  const std::ptrdiff_t right = width - 1;
  const std::ptrdiff_t bottom = (source.height - std::ptrdiff_t{1}) * width;
  switch (orientation) {
    case 2:
      return {right, -1, width};
    case 3:
      return {bottom + right, -1, -width};
    case 4:
      return {bottom, 1, -width};
    case 5:
      return {0, width, 1};
    case 6:
      return {bottom, -width, 1};
    case 7:
      return {bottom + right, -width, -1};
    case 8:
      return {right, width, -1};
    default:
      return {0, 1, width};
  }
}

// A block of target pixels and the source pixels under it fit into the first-level cache together.
constexpr int kBlock = 32;

// Pixels of three bytes are moved four at a time where another pixel follows: it overwrites the fourth. The
// first and the last take three, since a corner of the image, behind which no byte may be read, is one of
// them.
template <std::ptrdiff_t pixel>
void copyPixels(const std::uint8_t* from, std::ptrdiff_t step, int count, std::uint8_t* to) {
  std::memcpy(to, from, pixel);
  for (int i = 1; i < count - 1; ++i) {
    from += step;
    to += pixel;
    std::memcpy(to, from, 4);
  }
  if (count > 1) std::memcpy(to + pixel, from + step, pixel);
}

template <std::size_t channels>
void turn(const std::uint8_t* source, Walk walk, Size size, std::uint8_t* target) {
  constexpr auto kPixel = static_cast<std::ptrdiff_t>(channels);
  for (int top = 0; top < size.height; top += kBlock) {
    const int bottom = std::min(top + kBlock, size.height);
    for (int left = 0; left < size.width; left += kBlock) {
      const int right = std::min(left + kBlock, size.width);
      for (int y = top; y < bottom; ++y) {
        const std::uint8_t* from = source + (walk.start + left * walk.stepX + y * walk.stepY) * kPixel;
        std::uint8_t* to = target + (std::ptrdiff_t{y} * size.width + left) * kPixel;
        copyPixels<kPixel>(from, walk.stepX * kPixel, right - left, to);
      }
    }
  }
}

}  // namespace

void orient(const Image& source, int orientation, std::uint8_t* target) {
  const Walk walk = walkOf(orientation, source.size);
  const Size size = swapsAxes(orientation) ? Size{source.size.height, source.size.width} : source.size;
  const auto turnAll = source.channels == 3 ? turn<3> : turn<4>;
  turnAll(source.data, walk, size, target);
}

}  // namespace lc::pixels
