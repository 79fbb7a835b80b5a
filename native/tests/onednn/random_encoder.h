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
  // groups: of norms; 0: they are RMS norms.
  explicit RandomEncoder(std::uint32_t groups, float mean = 0.0F, std::uint32_t seed = 1);
  RandomEncoder(RandomEncoder&&) = default;

  void conv(std::uint32_t inputs, std::uint32_t outputs);
  void downsample(std::uint32_t channels);
  void normSilu(std::uint32_t channels);
  void residual(std::uint32_t inputs, std::uint32_t outputs);
  void attention(std::uint32_t channels);
  void spaceToDepth(std::uint32_t inputs, std::uint32_t outputs);
  void normConvMean(std::uint32_t inputs, std::uint32_t outputs);
  void reluBlock(std::uint32_t channels);
  // As those of tiny encoders: zeros all around, no bias.
  void plainDownsample(std::uint32_t channels);
  void setRange(lc_pixel_range range) { range_ = range; }

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
  lc_pixel_range range_ = LC_PIXELS_SIGNED;
  std::mt19937 generator_;
  std::deque<std::vector<float>> values_;
  std::vector<lc_layer> layers_;
};

// One residual block on each level and residual, attention, residual in the middle; 8 channels out.
RandomEncoder klEncoder(const std::vector<std::uint32_t>& widths, std::uint32_t groups, float mean = 0.0F);

// The same with RMS norms, as those of Qwen-Image.
RandomEncoder rmsEncoder(const std::vector<std::uint32_t>& widths);

// One residual block on each level and space-to-depth between them, as HunyuanImage-2.1; 8 channels out.
RandomEncoder depthEncoder(const std::vector<std::uint32_t>& widths, std::uint32_t groups);

// As those of TAESD with fewer blocks: pixels in 0 ... 1, ReLU blocks without norms, no attention.
RandomEncoder tinyEncoder(std::uint32_t channels, std::uint32_t levels);

// Pixels of `count` images of noise.
std::vector<std::uint8_t> noise(std::uint32_t count, std::uint32_t height, std::uint32_t width);

}  // namespace lc::test
