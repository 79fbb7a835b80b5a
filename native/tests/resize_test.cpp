// Every kernel set, for whole images and for windows, against the plain loops of reference_resize.
#include "check.h"
#include "kernel_sets.h"
#include "random_pixels.h"
#include "reference_resize.h"
#include "resize_job.h"

namespace {

using namespace lc::pixels;
using namespace lc::test;

constexpr Interpolation kInterpolations[] = {
    Interpolation::kArea,    Interpolation::kLanczos, Interpolation::kBox,          Interpolation::kBilinear,
    Interpolation::kBicubic, Interpolation::kNearest, Interpolation::kPillowBicubic};
constexpr const char* kNames[] = {"area",    "lanczos", "box",           "bilinear",
                                  "bicubic", "nearest", "pillow-bicubic"};

std::vector<std::uint8_t> cropped(const std::vector<std::uint8_t>& pixels, Size size, int channels,
                                  Window window) {
  std::vector<std::uint8_t> result;
  const std::ptrdiff_t bytes = std::ptrdiff_t{window.width} * channels;
  for (int y = window.top; y < window.top + window.height; ++y) {
    const auto begin = pixels.begin() + (std::ptrdiff_t{y} * size.width + window.left) * channels;
    result.insert(result.end(), begin, begin + bytes);
  }
  return result;
}

Window randomWindow(Random& random, Size size) {
  const int width = random.between(1, size.width);
  const int height = random.between(1, size.height);
  return {random.between(0, size.width - width), random.between(0, size.height - height), width, height};
}

// The source and the target have no spare byte, so that the address sanitizer sees every step over an edge.
void checkResize(Random& random, Size from, Size to, int channels) {
  const std::vector<std::uint8_t> pixels = randomPixels(random, from.width, from.height, channels);
  const Image image{pixels.data(), from, channels};
  const Window whole{0, 0, to.width, to.height};
  const Window part = randomWindow(random, to);
  for (const Interpolation interpolation : kInterpolations) {
    const std::vector<std::uint8_t> reference = referenceResize(image, to, interpolation);
    for (const Kernels* const kernels : kernelSets()) {
      for (const Window window : {whole, part}) {
        const std::vector<std::uint8_t> expected = cropped(reference, to, channels, window);
        std::vector<std::uint8_t> actual(expected.size());
        resizeAndCrop(*kernels, image, to, interpolation, window, actual.data());
        check(actual == expected, "%s %s: %dx%d to %dx%d, %d channels, window %d,%d %dx%d",
              kNames[static_cast<int>(interpolation)], kernels->name, from.width, from.height, to.width,
              to.height, channels, window.left, window.top, window.width, window.height);
      }
    }
  }
}

}  // namespace

int main() {
  Random random(20240607);
  for (const int channels : {3, 4}) {
    // Single pixels and lines, no change, one axis kept, whole scales, extreme ratios, just around a vector.
    const Size pairs[][2] = {
        {{1, 1}, {7, 5}},     {{9, 8}, {1, 1}},     {{1, 40}, {33, 1}},     {{40, 1}, {1, 33}},
        {{31, 17}, {31, 17}}, {{31, 17}, {31, 29}}, {{31, 17}, {12, 17}},   {{64, 48}, {32, 24}},
        {{66, 40}, {33, 10}}, {{90, 63}, {30, 21}}, {{500, 70}, {229, 32}}, {{33, 17}, {512, 100}},
        {{700, 3}, {2, 60}},  {{2, 300}, {50, 4}},  {{17, 16}, {16, 17}},   {{49, 98}, {1, 2}}};
    for (const auto& [from, to] : pairs) checkResize(random, from, to, channels);
  }
  for (int i = 0; i < 150; ++i) {
    const Size from{random.between(1, 120), random.between(1, 90)};
    const Size to{random.between(1, 120), random.between(1, 90)};
    checkResize(random, from, to, random.between(3, 4));
  }
  return report();
}
