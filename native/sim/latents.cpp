#include "sim/latents.h"

#include <algorithm>
#include <cstddef>

namespace lc::sim {
namespace {

// Of trained encoders, roughly: their latents are nearly certain.
constexpr float kLogVariance = -12.0f;
constexpr std::size_t kColours = 3;

}  // namespace

void simulateMoments(const Plan& plan, const std::uint8_t* image, std::uint32_t height, std::uint32_t width,
                     float* moments) {
  const std::size_t rowBytes = kColours * width;
  const std::size_t cells = plan.cells({1, height, width});
  const std::size_t means = plan.channels / 2;
  const std::size_t first = plan.stride / 4;
  const std::size_t second = plan.stride * 3 / 4;
  std::size_t cell = 0;
  for (std::size_t y = 0; y + plan.stride <= height; y += plan.stride) {
    for (std::size_t x = 0; x + plan.stride <= width; x += plan.stride, ++cell) {
      const std::uint8_t* a = image + (y + first) * rowBytes + (x + first) * kColours;
      const std::uint8_t* b = image + (y + second) * rowBytes + (x + second) * kColours;
      for (std::size_t channel = 0; channel < means; ++channel) {
        // Channels of the same colour differ by what each pixel counts.
        const int weight = static_cast<int>(1 + channel / kColours % 3);
        const int sum = weight * a[channel % kColours] + (4 - weight) * b[channel % kColours];
        moments[channel * cells + cell] = static_cast<float>(sum - 510) / 255.0f;
      }
    }
  }
  std::fill_n(moments + means * cells, means * cells, kLogVariance);
}

}  // namespace lc::sim
