// The parts of layers, checked, with the values of their tensors: src/model/layers.ts says what they are.
#pragma once

#include <cstdint>
#include <optional>

#include "core/lc_network.h"
#include "field.h"
#include "tensor_map.h"

namespace lc::addon {

// What is expected of a convolution besides what each is.
struct ConvExpectation {
  std::uint32_t inputs;
  std::uint32_t stride = 1;
  std::optional<std::uint32_t> outputs = std::nullopt;
};

lc_conv readConv(const Field& spec, const ConvExpectation& expected, TensorMap& tensors);
lc_norm readNorm(const Field& spec, std::uint32_t channels, TensorMap& tensors);

}  // namespace lc::addon
