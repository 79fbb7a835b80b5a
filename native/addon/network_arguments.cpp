#include "network_arguments.h"

#include <cstdint>
#include <string>

#include "device_values.h"
#include "field.h"
#include "spec_reader.h"
#include "tensor_map.h"

namespace lc::addon {
namespace {

constexpr std::uint32_t kPixelChannels = 3;

// Reads layer after layer.
class LayerReader {
 public:
  explicit LayerReader(TensorMap& tensors) : tensors_(tensors) {}

  lc_layer read(const Field& layer) {
    const std::string kind = layer["kind"].text();
    if (kind == "conv") return single(layer["conv"], LC_LAYER_CONV, 1);
    if (kind == "downsample") return single(layer["conv"], LC_LAYER_DOWNSAMPLE, 2);
    if (kind == "norm-silu") return normSilu(layer);
    if (kind == "residual") return residual(layer);
    if (kind == "attention") return attention(layer);
    if (kind == "space-to-depth") return spaceToDepth(layer);
    if (kind == "norm-conv-mean") return normConvMean(layer);
    if (kind == "relu-block") return reluBlock(layer);
    layer["kind"].reject(
        "conv, downsample, norm-silu, residual, attention, space-to-depth, norm-conv-mean, relu-block, "
        "pixels "
        "at the beginning or moments at the end");
  }

 private:
  lc_layer single(const Field& spec, lc_layer_kind kind, std::uint32_t stride) {
    lc_layer result{};
    result.kind = kind;
    result.convs[0] = conv(spec, {channels_, stride});
    channels_ = result.convs[0].outputs;
    return result;
  }

  lc_layer normSilu(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_NORM_SILU;
    result.norms[0] = norm(layer["norm"], channels_);
    return result;
  }

  lc_layer residual(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_RESIDUAL;
    result.norms[0] = norm(layer["norm1"], channels_);
    result.convs[0] = conv(layer["conv1"], {channels_});
    const std::uint32_t between = result.convs[0].outputs;
    result.norms[1] = norm(layer["norm2"], between);
    const Field shortcut = layer["shortcut"];
    if (shortcut.isNull()) {
      result.convs[1] = conv(layer["conv2"], {between, 1, channels_});
    } else {
      result.convs[1] = conv(layer["conv2"], {between});
      result.convs[2] = conv(shortcut, {channels_, 1, result.convs[1].outputs});
    }
    channels_ = result.convs[1].outputs;
    return result;
  }

  lc_layer attention(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_ATTENTION;
    result.norms[0] = norm(layer["norm"], channels_);
    auto& [query, key, value, output] = result.convs;
    query = conv(layer["query"], {channels_});
    key = conv(layer["key"], {channels_, 1, query.outputs});
    value = conv(layer["value"], {channels_});
    output = conv(layer["output"], {value.outputs, 1, channels_});
    result.scale = layer["scale"].positive();
    return result;
  }

  lc_layer spaceToDepth(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_SPACE_TO_DEPTH;
    layer["inputs"].exactly(channels_);
    result.convs[0] = conv(layer["conv"], {channels_, 1, divisor(layer["conv"]["outputs"])});
    constexpr std::uint32_t kPixels = 4;
    channels_ = layer["outputs"].exactly(kPixels * result.convs[0].outputs);
    return result;
  }

  lc_layer normConvMean(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_NORM_CONV_MEAN;
    result.norms[0] = norm(layer["norm"], channels_);
    result.convs[0] = conv(layer["conv"], {channels_, 1, divisor(layer["conv"]["outputs"])});
    layer["group"].exactly(channels_ / result.convs[0].outputs);
    channels_ = result.convs[0].outputs;
    const Field scale = layer["meanScale"];
    result.scale = scale.isUndefined() ? 1.0 : scale.positive();
    return result;
  }

  lc_layer reluBlock(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_RELU_BLOCK;
    const Field convs = layer["convs"];
    constexpr std::uint32_t kConvs = 3;
    if (convs.length() != kConvs) convs.reject("three convs");
    for (std::uint32_t i = 0; i < kConvs; ++i) result.convs[i] = conv(convs[i], {channels_, 1, channels_});
    return result;
  }

  // Channels are averaged in groups of the same size.
  std::uint32_t divisor(const Field& outputs) const {
    const std::uint32_t number = outputs.integer(1, channels_);
    if (channels_ % number != 0) outputs.reject("a divisor of " + std::to_string(channels_));
    return number;
  }

  lc_conv conv(const Field& spec, const ConvExpectation& expected) {
    return readConv(spec, expected, tensors_);
  }
  lc_norm norm(const Field& spec, std::uint32_t channels) { return readNorm(spec, channels, tensors_); }

  TensorMap& tensors_;
  // That the layer before gives.
  std::uint32_t channels_ = kPixelChannels;
};

lc_pixel_range rangeOf(const Field& pixels) {
  const std::string range = pixels["range"].text();
  if (range == "signed") return LC_PIXELS_SIGNED;
  if (range == "unit") return LC_PIXELS_UNIT;
  pixels["range"].reject("signed or unit");
}

bool mayBeLast(lc_layer_kind kind) {
  return kind == LC_LAYER_CONV || kind == LC_LAYER_NORM_CONV_MEAN;
}

}  // namespace

core::Network networkArguments(const Napi::CallbackInfo& info, std::vector<Napi::Value>& kept) {
  const Field layers(info[0], "layers");
  const std::uint32_t count = layers.length();
  TensorMap tensors(info[1], kept);
  core::Network network{precisionArgument(info, 2), LC_PIXELS_SIGNED, {}};
  LayerReader reader(tensors);
  for (std::uint32_t index = 0; index < count; ++index) {
    const Field layer = layers[index];
    const std::string kind = layer["kind"].text();
    if (index == 0 && kind == "pixels") {
      network.range = rangeOf(layer);
    } else if (index + 1 < count || kind != "moments") {
      network.layers.push_back(reader.read(layer));
    }
  }
  if (network.layers.empty() || !mayBeLast(network.layers.back().kind)) {
    layers.reject("layers of which the last but moments is a conv or a norm-conv-mean");
  }
  return network;
}

}  // namespace lc::addon
