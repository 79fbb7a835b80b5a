// Encoders with random weights.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "core/lc_network.h"

namespace lc::test {

// Each function appends a layer; the order is the caller's, so that wrong ones can be made too.
class RandomEncoder {
 public:
  // mean: of the maps that are normalised, where their deviation is about 1.
  explicit RandomEncoder(std::uint32_t groups, float mean = 0.0F, std::uint32_t seed = 1);
  RandomEncoder(RandomEncoder&&) = default;

  void conv(std::uint32_t inputs, std::uint32_t outputs);
  void downsample(std::uint32_t channels);
  void normSilu(std::uint32_t channels);
  void residual(std::uint32_t inputs, std::uint32_t outputs);
  void attention(std::uint32_t channels);

  std::vector<lc_layer>& layers() { return layers_; }
  // Valid until layers are added.
  lc_network network(lc_precision precision) const;

 private:
  std::vector<float>& values(std::size_t count, float mean, float deviation);
  lc_conv convolution(std::uint32_t inputs, std::uint32_t outputs, std::uint32_t kernel, float mean,
                      float gain = 1.0F);
  lc_norm norm(std::uint32_t channels);

  const std::uint32_t groups_;
  const float mean_;
  std::mt19937 generator_;
  std::deque<std::vector<float>> values_;
  std::vector<lc_layer> layers_;
};

// One residual block on each level and residual, attention, residual in the middle; 8 channels out.
RandomEncoder klEncoder(const std::vector<std::uint32_t>& widths, std::uint32_t groups, float mean = 0.0F);

// Pixels of `count` images of noise.
std::vector<std::uint8_t> noise(std::uint32_t count, std::uint32_t height, std::uint32_t width);

}  // namespace lc::test
