// splitAlpha, mirror and Pillow's premultiplication: every kernel set against plain loops, for all
// short lengths, so that every way of ending a row occurs. Then dropAlpha, flatten and orient.
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

// Around the pieces that it works in.
void checkDropAlpha(Random& random, int count) {
  const std::vector<std::uint8_t> rgba = randomPixels(random, count, 1, 4);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(count) * 3);
  dropAlpha(rgba.data(), static_cast<std::size_t>(count), rgb.data());
  bool equal = true;
  for (std::size_t i = 0; i < rgb.size(); ++i) equal &= rgb[i] == rgba[i / 3 * 4 + i % 3];
  check(equal, "dropAlpha: %d pixels", count);
}

// Within half a step of the exact blend, and exact where alpha decides alone.
void checkFlatten() {
  bool near = true;
  bool ends = true;
  for (int alpha = 0; alpha < 256; ++alpha) {
    for (int front = 0; front < 256; ++front) {
      const std::uint8_t rgba[] = {static_cast<std::uint8_t>(front), static_cast<std::uint8_t>(255 - front),
                                   77, static_cast<std::uint8_t>(alpha)};
      const std::uint8_t back[] = {0, 255, 128};
      std::uint8_t rgb[3];
      flatten(rgba, 1, {back[0], back[1], back[2]}, rgb);
      for (int c = 0; c < 3; ++c) {
        const double exact = (rgba[c] * alpha + back[c] * (255 - alpha)) / 255.0;
        near &= std::abs(rgb[c] - exact) <= 0.51;
        ends &= (alpha != 0 || rgb[c] == back[c]) && (alpha != 255 || rgb[c] == rgba[c]);
      }
    }
  }
  check(near, "flatten: all colours and alphas");
  check(ends, "flatten: transparent and opaque pixels");
}

// Orientation as a chain of mirrored rows, mirrored columns and swapped axes, pixel by pixel.
void checkOrient(Random& random, Size size, int channels) {
  const std::vector<std::uint8_t> pixels = randomPixels(random, size.width, size.height, channels);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool swaps = orientation >= 5;
    const bool mirrorsX = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool mirrorsY = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int width = swaps ? size.height : size.width;
    std::vector<std::uint8_t> upright(pixels.size());
    orient({pixels.data(), size, channels}, orientation, upright.data());
    bool equal = true;
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const int storedX = mirrorsX ? size.width - 1 - x : x;
        const int storedY = mirrorsY ? size.height - 1 - y : y;
        const int target = swaps ? x * width + y : y * width + x;
        for (int c = 0; c < channels; ++c) {
          equal &= upright[static_cast<std::size_t>(target * channels + c)] ==
                   pixels[static_cast<std::size_t>((storedY * size.width + storedX) * channels + c)];
        }
      }
    }
    check(equal, "orient %d: %dx%d, %d channels", orientation, size.width, size.height, channels);
  }
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
  for (const int count : {0, 1, 5, 4095, 4096, 4097, 9000}) checkDropAlpha(random, count);
  checkFlatten();
  for (const int channels : {3, 4}) {
    for (const Size size : {Size{1, 1}, Size{7, 4}, Size{1, 50}, Size{50, 1}, Size{31, 33}, Size{65, 97}}) {
      checkOrient(random, size, channels);
    }
  }
  return report();
}
