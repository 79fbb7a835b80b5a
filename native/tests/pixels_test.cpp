// splitAlpha, mirror and Pillow's premultiplication: every kernel set against plain loops, for all
// short lengths, so that every way of ending a row occurs.
#include "pixels.h"

#include <cmath>

#include "check.h"
#include "kernel_sets.h"
#include "random_pixels.h"

namespace {

using namespace lc::pixels;
using namespace lc::test;

constexpr int kLongest = 70;

void checkSplitAlpha(const Kernels& kernels, Random& random, int count) {
  const std::vector<std::uint8_t> rgba = randomPixels(random, count, 1, 4);
  const auto pixels = static_cast<std::size_t>(count);
  std::vector<std::uint8_t> rgb(pixels * 3);
  std::vector<std::uint8_t> alpha(pixels);
  kernels.splitAlpha(rgba.data(), pixels, rgb.data(), alpha.data());
  bool equal = true;
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) equal &= rgb[i * 3 + c] == rgba[i * 4 + c];
    equal &= alpha[i] == rgba[i * 4 + 3];
  }
  check(equal, "splitAlpha %s: %d pixels", kernels.name, count);
}

void checkMirror(const Kernels& kernels, Random& random, int width) {
  const std::vector<std::uint8_t> rgb = randomPixels(random, width, 1, 3);
  std::vector<std::uint8_t> mirrored(rgb.size());
  kernels.mirrorRow(rgb.data(), static_cast<std::size_t>(width), mirrored.data());
  bool equal = true;
  for (std::size_t i = 0; i < rgb.size(); ++i)
    equal &= mirrored[i] == rgb[rgb.size() - 3 - i / 3 * 3 + i % 3];
  check(equal, "mirrorRow %s: %d pixels", kernels.name, width);
}

void checkMirrorOfImage(Random& random) {
  const std::vector<std::uint8_t> rgb = randomPixels(random, 23, 5, 3);
  std::vector<std::uint8_t> once(rgb.size());
  std::vector<std::uint8_t> twice(rgb.size());
  mirror(rgb.data(), {23, 5}, once.data());
  mirror(once.data(), {23, 5}, twice.data());
  check(once != rgb && twice == rgb, "mirroring twice gives the image");
  check(once[22 * 3] == rgb[0] && once[4 * 23 * 3] == rgb[(4 * 23 + 22) * 3], "rows are mirrored one by one");
}

// All 65536 pairs of a colour and an alpha; green and blue see the colour backwards and upside down.
void checkPremultiply(const Kernels& kernels) {
  std::vector<std::uint8_t> rgba;
  for (int alpha = 0; alpha < 256; ++alpha) {
    for (int color = 0; color < 256; ++color) {
      for (const int value : {color, 255 - color, color ^ 0x55, alpha}) {
        rgba.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  std::vector<std::uint8_t> premultiplied(rgba.size());
  kernels.premultiply(rgba.data(), rgba.size() / 4, premultiplied.data());
  std::vector<std::uint8_t> unpremultiplied = rgba;
  kernels.unpremultiply(unpremultiplied.data(), rgba.size() / 4);
  bool down = true;
  bool up = true;
  for (std::size_t i = 0; i < rgba.size(); ++i) {
    const int alpha = rgba[i | 3];
    const bool isColor = (i & 3) != 3;
    const long product = isColor ? std::lround(rgba[i] * alpha / 255.0) : alpha;
    const int quotient = isColor && alpha != 0 ? std::min(rgba[i] * 255 / alpha, 255) : rgba[i];
    down &= premultiplied[i] == product;
    up &= unpremultiplied[i] == quotient;
  }
  check(down, "premultiply %s: all colours and alphas", kernels.name);
  check(up, "unpremultiply %s: all colours and alphas", kernels.name);
}

}  // namespace

int main() {
  Random random(7);
  for (const Kernels* const kernels : kernelSets()) {
    for (int count = 0; count <= kLongest; ++count) {
      checkSplitAlpha(*kernels, random, count);
      checkMirror(*kernels, random, count);
    }
    checkPremultiply(*kernels);
  }
  checkMirrorOfImage(random);
  return report();
}
