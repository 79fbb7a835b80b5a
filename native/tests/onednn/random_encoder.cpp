#include "onednn/random_encoder.h"

#include <algorithm>
#include <cmath>

namespace lc::test {
namespace {

// (outputs, inputs, taps): the sum over the inputs becomes 0. What the inputs have in common, their mean,
// then leaves no trace in the output, also where the padding cuts some taps off.
void centre(std::vector<float>& weight, std::size_t inputs, std::size_t taps) {
  for (std::size_t start = 0; start < weight.size(); start += inputs * taps) {
    for (std::size_t tap = 0; tap < taps; ++tap) {
      float mean = 0.0F;
      for (std::size_t input = 0; input < inputs; ++input) {
        mean += weight[start + input * taps + tap] / static_cast<float>(inputs);
      }
      for (std::size_t input = 0; input < inputs; ++input) weight[start + input * taps + tap] -= mean;
    }
  }
}

}  // namespace

RandomEncoder::RandomEncoder(std::uint32_t groups, float mean, std::uint32_t seed)
    : groups_(groups), mean_(mean), generator_(seed) {}

void RandomEncoder::conv(std::uint32_t inputs, std::uint32_t outputs) {
  lc_layer layer{};
  layer.kind = LC_LAYER_CONV;
  layer.convs[0] = convolution(inputs, outputs, 3, mean_);
  layers_.push_back(layer);
}

void RandomEncoder::downsample(std::uint32_t channels) {
  lc_layer layer{};
  layer.kind = LC_LAYER_DOWNSAMPLE;
  lc_conv& conv = layer.convs[0];
  conv = convolution(channels, channels, 3, mean_);
  conv.stride = 2;
  conv.padding[0] = conv.padding[1] = 0;
  layers_.push_back(layer);
}

void RandomEncoder::normSilu(std::uint32_t channels) {
  lc_layer layer{};
  layer.kind = LC_LAYER_NORM_SILU;
  layer.norms[0] = norm(channels);
  layers_.push_back(layer);
}

void RandomEncoder::residual(std::uint32_t inputs, std::uint32_t outputs) {
  lc_layer layer{};
  layer.kind = LC_LAYER_RESIDUAL;
  layer.norms[0] = norm(inputs);
  layer.convs[0] = convolution(inputs, outputs, 3, mean_);
  layer.norms[1] = norm(outputs);
  layer.convs[1] = convolution(outputs, outputs, 3, mean_);
  if (inputs != outputs) layer.convs[2] = convolution(inputs, outputs, 1, mean_);
  layers_.push_back(layer);
}

void RandomEncoder::attention(std::uint32_t channels) {
  lc_layer layer{};
  layer.kind = LC_LAYER_ATTENTION;
  layer.norms[0] = norm(channels);
  // Scores that spread by about 2: neither all keys count the same nor one alone.
  constexpr float kGain = 1.4F;
  layer.convs[0] = convolution(channels, channels, 1, 0.0F, kGain);
  layer.convs[1] = convolution(channels, channels, 1, 0.0F, kGain);
  layer.convs[2] = convolution(channels, channels, 1, 0.0F);
  layer.convs[3] = convolution(channels, channels, 1, mean_);
  layer.scale = 1.0 / std::sqrt(static_cast<double>(channels));
  layers_.push_back(layer);
}

void RandomEncoder::spaceToDepth(std::uint32_t inputs, std::uint32_t outputs) {
  lc_layer layer{};
  layer.kind = LC_LAYER_SPACE_TO_DEPTH;
  layer.convs[0] = convolution(inputs, outputs / 4, 3, mean_);
  layers_.push_back(layer);
}

void RandomEncoder::normConvMean(std::uint32_t inputs, std::uint32_t outputs) {
  lc_layer layer{};
  layer.kind = LC_LAYER_NORM_CONV_MEAN;
  layer.norms[0] = norm(inputs);
  layer.convs[0] = convolution(inputs, outputs, 3, mean_);
  layer.scale = 0.75;
  layers_.push_back(layer);
}

void RandomEncoder::reluBlock(std::uint32_t channels) {
  lc_layer layer{};
  layer.kind = LC_LAYER_RELU_BLOCK;
  for (std::uint32_t i = 0; i < 3; ++i) layer.convs[i] = convolution(channels, channels, 3, mean_);
  layers_.push_back(layer);
}

void RandomEncoder::plainDownsample(std::uint32_t channels) {
  lc_layer layer{};
  layer.kind = LC_LAYER_DOWNSAMPLE;
  layer.convs[0] = convolution(channels, channels, 3, mean_);
  layer.convs[0].stride = 2;
  layer.convs[0].bias = nullptr;
  layers_.push_back(layer);
}

lc_network RandomEncoder::network(lc_precision precision) const {
  return {sizeof(lc_network), precision, range_, layers_.data(), static_cast<std::uint32_t>(layers_.size())};
}

std::vector<float>& RandomEncoder::values(std::size_t count, float mean, float deviation) {
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float>& all = values_.emplace_back(count);
  std::generate(all.begin(), all.end(), [&] { return normal(generator_); });
  return all;
}

lc_conv RandomEncoder::convolution(std::uint32_t inputs, std::uint32_t outputs, std::uint32_t kernel,
                                   float mean, float gain) {
  const std::size_t length = std::size_t{inputs} * kernel * kernel;
  const std::uint32_t padding = kernel / 2;
  std::vector<float>& weight = values(outputs * length, 0.0F, gain / std::sqrt(static_cast<float>(length)));
  centre(weight, inputs, std::size_t{kernel} * kernel);
  return {weight.data(),
          values(outputs, mean, 0.1F).data(),
          inputs,
          outputs,
          kernel,
          1,
          {padding, padding, padding, padding}};
}

lc_norm RandomEncoder::norm(std::uint32_t channels) {
  const float* weight = values(channels, 1.0F, 0.2F).data();
  if (groups_ == 0) return {LC_NORM_RMS, channels, weight, nullptr, 0, 1e-12};
  return {LC_NORM_GROUP, channels, weight, values(channels, 0.0F, 0.2F).data(), groups_, 1e-6};
}

namespace {

constexpr std::uint32_t kOutputs = 8;

void middle(RandomEncoder& encoder, std::uint32_t channels) {
  encoder.residual(channels, channels);
  encoder.attention(channels);
  encoder.residual(channels, channels);
}

}  // namespace

RandomEncoder klEncoder(const std::vector<std::uint32_t>& widths, std::uint32_t groups, float mean) {
  RandomEncoder encoder(groups, mean);
  std::uint32_t channels = widths.front();
  encoder.conv(3, channels);
  for (std::size_t level = 0; level < widths.size(); ++level) {
    if (level > 0) encoder.downsample(channels);
    encoder.residual(channels, widths[level]);
    channels = widths[level];
  }
  middle(encoder, channels);
  encoder.normSilu(channels);
  encoder.conv(channels, kOutputs);
  return encoder;
}

RandomEncoder rmsEncoder(const std::vector<std::uint32_t>& widths) {
  return klEncoder(widths, 0);
}

RandomEncoder depthEncoder(const std::vector<std::uint32_t>& widths, std::uint32_t groups) {
  RandomEncoder encoder(groups);
  std::uint32_t channels = widths.front();
  encoder.conv(3, channels);
  for (std::size_t level = 0; level < widths.size(); ++level) {
    if (level > 0) encoder.spaceToDepth(channels, widths[level]);
    channels = widths[level];
    encoder.residual(channels, channels);
  }
  middle(encoder, channels);
  encoder.normConvMean(channels, kOutputs);
  return encoder;
}

RandomEncoder tinyEncoder(std::uint32_t channels, std::uint32_t levels) {
  RandomEncoder encoder(0);
  encoder.setRange(LC_PIXELS_UNIT);
  encoder.conv(3, channels);
  encoder.reluBlock(channels);
  for (std::uint32_t level = 0; level < levels; ++level) {
    encoder.plainDownsample(channels);
    encoder.reluBlock(channels);
    encoder.reluBlock(channels);
  }
  encoder.conv(channels, kOutputs);
  return encoder;
}

std::vector<std::uint8_t> noise(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
  constexpr std::size_t kColours = 3;
  std::mt19937 generator(count + height + width);
  std::vector<std::uint8_t> pixels(kColours * count * height * width);
  std::generate(pixels.begin(), pixels.end(), [&] { return static_cast<std::uint8_t>(generator() >> 24); });
  return pixels;
}

}  // namespace lc::test
