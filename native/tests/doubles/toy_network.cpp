#include "toy_network.h"

#include <cstdint>
#include <vector>

namespace lc::toy {

namespace {

std::uint64_t floatsOf(const lc_layer& layer) {
  std::uint64_t floats = 0;
  for (const lc_norm& norm : layer.norms) {
    if (norm.weight != nullptr) floats += std::uint64_t{norm.bias == nullptr ? 1U : 2U} * norm.channels;
  }
  for (const lc_conv& conv : layer.convs) {
    if (conv.weight == nullptr) continue;
    const std::uint64_t inner = std::uint64_t{conv.inputs} * conv.kernel * conv.kernel;
    floats += conv.outputs * (inner + (conv.bias == nullptr ? 0 : 1));
  }
  return floats;
}

std::vector<float> biasOf(const lc_conv& conv) {
  if (conv.bias == nullptr) return std::vector<float>(conv.outputs);
  return {conv.bias, conv.bias + conv.outputs};
}

}  // namespace

Network networkOf(const lc_network& network) {
  std::uint32_t stride = 1;
  std::uint64_t floats = 0;
  for (std::uint32_t i = 0; i < network.layer_count; ++i) {
    const lc_layer_kind kind = network.layers[i].kind;
    if (kind == LC_LAYER_DOWNSAMPLE || kind == LC_LAYER_SPACE_TO_DEPTH) stride *= 2;
    floats += floatsOf(network.layers[i]);
  }
  const lc_conv& last = network.layers[network.layer_count - 1].convs[0];
  return {{1, stride, stride}, {8, 1024, 1024}, stride, stride, biasOf(last), floats * sizeof(float), 4};
}

}  // namespace lc::toy
