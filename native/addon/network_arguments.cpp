#include "network_arguments.h"

#include <cstdint>
#include <optional>
#include <string>

#include "device_values.h"
#include "errors.h"
#include "field.h"

namespace lc::addon {
namespace {

constexpr std::uint32_t kPixelChannels = 3;
// Beyond what any network has, and small enough that the elements of a weight fit 64 bits.
constexpr std::uint32_t kMaxChannels = 1 << 16;

// The Map of the tensors.
class Tensors {
 public:
  Tensors(const Napi::Value& map, std::vector<Napi::Value>& kept)
      : map_(objectOf(map, "tensors")), kept_(kept) {
    const Napi::Value get = map_.Get("get");
    if (!get.IsFunction()) reject(map.Env(), "tensors", "a Map", describe(map));
    get_ = get.As<Napi::Function>();
  }

  const float* find(const std::string& name, std::uint64_t elements) {
    const Napi::Env env = map_.Env();
    const std::string described = "the tensor " + name;
    Napi::Float32Array values = floatsOf(get_.Call(map_, {Napi::String::New(env, name)}), described.c_str());
    if (values.ElementLength() != elements) {
      reject(env, described.c_str(), std::to_string(elements) + " elements",
             std::to_string(values.ElementLength()));
    }
    kept_.push_back(values);
    return values.Data();
  }

 private:
  Napi::Object map_;
  Napi::Function get_;
  std::vector<Napi::Value>& kept_;
};

// Reads layer after layer.
class LayerReader {
 public:
  explicit LayerReader(Tensors& tensors) : tensors_(tensors) {}

  lc_layer read(const Field& layer) {
    const std::string kind = layer["kind"].text();
    if (kind == "conv") return single(layer["conv"], LC_LAYER_CONV, 1);
    if (kind == "downsample") return single(layer["conv"], LC_LAYER_DOWNSAMPLE, 2);
    if (kind == "norm-silu") return normSilu(layer);
    if (kind == "residual") return residual(layer);
    if (kind == "attention") return attention(layer);
    layer["kind"].reject("conv, downsample, norm-silu, residual, attention or, at the end, moments");
  }

 private:
  lc_layer single(const Field& spec, lc_layer_kind kind, std::uint32_t stride) {
    lc_layer result{};
    result.kind = kind;
    result.convs[0] = conv(spec, channels_, stride);
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
    result.convs[0] = conv(layer["conv1"], channels_);
    const std::uint32_t between = result.convs[0].outputs;
    result.norms[1] = norm(layer["norm2"], between);
    const Field shortcut = layer["shortcut"];
    if (shortcut.isNull()) {
      result.convs[1] = conv(layer["conv2"], between, 1, channels_);
    } else {
      result.convs[1] = conv(layer["conv2"], between);
      result.convs[2] = conv(shortcut, channels_, 1, result.convs[1].outputs);
    }
    channels_ = result.convs[1].outputs;
    return result;
  }

  lc_layer attention(const Field& layer) {
    lc_layer result{};
    result.kind = LC_LAYER_ATTENTION;
    result.norms[0] = norm(layer["norm"], channels_);
    auto& [query, key, value, output] = result.convs;
    query = conv(layer["query"], channels_);
    key = conv(layer["key"], channels_, 1, query.outputs);
    value = conv(layer["value"], channels_);
    output = conv(layer["output"], value.outputs, 1, channels_);
    result.scale = layer["scale"].positive();
    return result;
  }

  lc_conv conv(const Field& spec, std::uint32_t inputs, std::uint32_t stride = 1,
               std::optional<std::uint32_t> outputs = std::nullopt) {
    lc_conv result{};
    result.inputs = spec["inputs"].exactly(inputs);
    result.outputs = outputs ? spec["outputs"].exactly(*outputs) : spec["outputs"].integer(1, kMaxChannels);
    result.kernel = spec["kernel"].integer(1, 3);
    if (result.kernel == 2) spec["kernel"].reject("1 or 3");
    result.stride = spec["stride"].exactly(stride);
    readPadding(spec["padding"], result);
    const std::string name = spec["name"].text();
    result.weight = tensors_.find(name + ".weight",
                                  std::uint64_t{result.outputs} * inputs * result.kernel * result.kernel);
    result.bias = tensors_.find(name + ".bias", result.outputs);
    return result;
  }

  static void readPadding(const Field& padding, lc_conv& conv) {
    if (padding.length() != 4) padding.reject("four numbers");
    for (std::uint32_t side = 0; side < 4; ++side) {
      conv.padding[side] = padding[side].integer(0, conv.kernel - 1);
    }
    for (const std::uint32_t axis : {0u, 1u}) {
      const std::uint32_t zeros = conv.padding[axis] + conv.padding[axis + 2];
      if (zeros >= conv.kernel || zeros + conv.stride < conv.kernel) {
        padding.reject(conv.stride == 1 ? "zeros that keep the sides" : "zeros that halve the sides");
      }
    }
  }

  lc_norm norm(const Field& spec, std::uint32_t channels) {
    lc_norm result{};
    result.channels = spec["channels"].exactly(channels);
    result.groups = spec["groups"].integer(1, channels);
    if (channels % result.groups != 0) {
      spec["groups"].reject("a divisor of " + std::to_string(channels));
    }
    result.epsilon = spec["epsilon"].positive();
    const std::string name = spec["name"].text();
    result.weight = tensors_.find(name + ".weight", channels);
    result.bias = tensors_.find(name + ".bias", channels);
    return result;
  }

  Tensors& tensors_;
  // That the layer before gives.
  std::uint32_t channels_ = kPixelChannels;
};

}  // namespace

core::Network networkArguments(const Napi::CallbackInfo& info, std::vector<Napi::Value>& kept) {
  const Field layers(info[0], "layers");
  const std::uint32_t count = layers.length();
  Tensors tensors(info[1], kept);
  core::Network network{precisionArgument(info, 2), {}};
  LayerReader reader(tensors);
  for (std::uint32_t index = 0; index < count; ++index) {
    const Field layer = layers[index];
    if (index + 1 == count && layer["kind"].text() == "moments") break;
    network.layers.push_back(reader.read(layer));
  }
  if (network.layers.empty() || network.layers.back().kind != LC_LAYER_CONV) {
    layers.reject("layers of which the last but moments is a conv");
  }
  return network;
}

}  // namespace lc::addon
