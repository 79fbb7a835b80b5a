#include "spec_reader.h"

#include <string>

namespace lc::addon {
namespace {

// Beyond what any network has, and small enough that the elements of a weight fit 64 bits.
constexpr std::uint32_t kMaxChannels = 1 << 16;
// What a pixel's length is at least where an RMS norm does not say it.
constexpr double kShortest = 1e-12;

void readPadding(const Field& padding, lc_conv& conv) {
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

}  // namespace

lc_conv readConv(const Field& spec, const ConvExpectation& expected, TensorMap& tensors) {
  lc_conv result{};
  result.inputs = spec["inputs"].exactly(expected.inputs);
  const Field outputs = spec["outputs"];
  result.outputs = expected.outputs ? outputs.exactly(*expected.outputs) : outputs.integer(1, kMaxChannels);
  result.kernel = spec["kernel"].integer(1, 3);
  if (result.kernel == 2) spec["kernel"].reject("1 or 3");
  result.stride = spec["stride"].exactly(expected.stride);
  readPadding(spec["padding"], result);
  const std::string name = spec["name"].text();
  const std::uint64_t inner = std::uint64_t{result.inputs} * result.kernel * result.kernel;
  result.weight = tensors.find(name + ".weight", result.outputs * inner);
  const Field bias = spec["bias"];
  if (bias.isUndefined() || bias.truth()) result.bias = tensors.find(name + ".bias", result.outputs);
  return result;
}

lc_norm readNorm(const Field& spec, std::uint32_t channels, TensorMap& tensors) {
  lc_norm result{};
  result.channels = spec["channels"].exactly(channels);
  const std::string name = spec["name"].text();
  const Field kind = spec["kind"];
  const std::string is = kind.isUndefined() ? "group" : kind.text();
  if (is == "rms") {
    result.kind = LC_NORM_RMS;
    const Field epsilon = spec["epsilon"];
    result.epsilon = epsilon.isUndefined() ? kShortest : epsilon.positive();
    result.weight = tensors.find(name + ".weight", channels);
    return result;
  }
  if (is != "group") kind.reject("group or rms");
  result.kind = LC_NORM_GROUP;
  result.groups = spec["groups"].integer(1, channels);
  if (channels % result.groups != 0) {
    spec["groups"].reject("a divisor of " + std::to_string(channels));
  }
  result.epsilon = spec["epsilon"].positive();
  result.weight = tensors.find(name + ".weight", channels);
  result.bias = tensors.find(name + ".bias", channels);
  return result;
}

}  // namespace lc::addon
