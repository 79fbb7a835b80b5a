// Reproducible test data.
#pragma once

#include <cstdint>
#include <vector>

namespace lc::test {

// xorshift32.
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}

  std::uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }

  // Within [low, high].
  int between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint32_t>(high - low + 1));
  }

 private:
  std::uint32_t state_;
};

// Noise, hard edges (0 and 255 only) or a gradient, whichever comes up.
inline std::vector<std::uint8_t> randomPixels(Random& random, int width, int height, int channels) {
  const int kind = random.between(0, 2);
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                 static_cast<std::size_t>(channels));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * channels; ++x) {
      const std::uint32_t noise = random.next() >> 24;
      const std::uint32_t gradient = static_cast<std::uint32_t>(x * 2 + y * 3);
      const std::uint32_t value = kind == 0 ? noise : kind == 1 ? (noise & 1) * 255 : gradient;
      pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return pixels;
}

}  // namespace lc::test
