// The work on pixels that is not resampling.
#include <algorithm>
#include <array>

#include "kernels.h"
#include "pixels.h"

namespace lc::pixels {

void splitAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha) {
  kernels().splitAlpha(rgba, count, rgb, alpha);
}

void dropAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb) {
  std::array<std::uint8_t, 4096> alpha;
  for (std::size_t done = 0; done < count; done += alpha.size()) {
    const std::size_t part = std::min(alpha.size(), count - done);
    kernels().splitAlpha(rgba + done * 4, part, rgb + done * 3, alpha.data());
  }
}

void mirror(const std::uint8_t* rgb, Size size, std::uint8_t* target) {
  const auto width = static_cast<std::size_t>(size.width);
  const std::size_t bytes = width * 3 * static_cast<std::size_t>(size.height);
  for (std::size_t row = 0; row < bytes; row += width * 3)
    kernels().mirrorRow(rgb + row, width, target + row);
}

const char* instructionSet() {
  return kernels().name;
}

}  // namespace lc::pixels
