#include "toy_network.h"

#include <cstdint>

namespace lc::toy {

namespace {

std::uint64_t floatsOf(const lc_layer& layer) {
  std::uint64_t floats = 0;
  for (const lc_norm& norm : layer.norms) {
    if (norm.weight != nullptr) floats += std::uint64_t{2} * norm.channels;
  }
  for (const lc_conv& conv : layer.convs) {
    if (conv.weight == nullptr) continue;
    floats += conv.outputs * (std::uint64_t{conv.inputs} * conv.kernel * conv.kernel + 1);
  }
  return floats;
}

}  // namespace

Network networkOf(const lc_network& network) {
  std::uint32_t stride = 1;
  std::uint64_t floats = 0;
  for (std::uint32_t i = 0; i < network.layer_count; ++i) {
    if (network.layers[i].kind == LC_LAYER_DOWNSAMPLE) stride *= 2;
    floats += floatsOf(network.layers[i]);
  }
  const lc_conv& last = network.layers[network.layer_count - 1].convs[0];
  return {{1, stride, stride},
          {8, 1024, 1024},
          stride,
          stride,
          {last.bias, last.bias + last.outputs},
          floats * sizeof(float),
          4};
}

}  // namespace lc::toy
