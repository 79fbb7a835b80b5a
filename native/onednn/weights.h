// Weights in the layouts that oneDNN computes with: made once for each engine, read by all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "core/lc_network.h"
#include "onednn/device_memory.h"
#include "onednn/group_norm.h"
#include "onednn/kernels/kernels.h"
#include "onednn/primitives.h"

namespace lc::onednn {

struct ConvolutionWeights {
  Operand operand;
  // At the size of tile that the layout is best for.
  Convolution::Shape shape;
  dnnl::memory::desc layout;
  const void* values = nullptr;
  const float* bias = nullptr;
};

struct ProductWeights {
  Operand operand;
  Product::Shape shape;
  dnnl::memory::desc layout;
  const void* values = nullptr;
  const float* bias = nullptr;
};

// All weights of a network, in one block of the device's memory. First everything is added, then the block is
// filled; what was added must stay where it is until then, and the network's values too.
class WeightBlock {
 public:
  WeightBlock(DeviceMemory& memory, const dnnl::engine& engine, const Kernels& kernels)
      : memory_(memory), engine_(engine), kernels_(kernels) {}

  // The convolution of a layer, for a tile of this size.
  void add(const lc_conv& conv, Operand operand, Convolution::Algorithm algorithm, const Extent& tile,
           ConvolutionWeights& weights);
  // 1 x 1 convolutions that read the same operand, side by side: (inputs) -> (outputs of the first, of the
  // second ...). factors[i] multiplies the weights and the bias of the i-th.
  void add(std::vector<lc_conv> convs, const std::vector<double>& factors, Operand operand,
           std::uint32_t rows, ProductWeights& weights);
  // The first layer as a product of windows of pixels: `rowsOf` gives a row of operands for each output.
  using RowValues = std::function<void(std::uint32_t output, void* target)>;
  void add(const Product::Shape& shape, Operand operand, const float* bias, RowValues rowsOf,
           ProductWeights& weights);
  void add(const lc_norm& norm, NormParameters& parameters);

  // Throws Failure (LC_OUT_OF_MEMORY).
  void fill();
  std::uint64_t bytes() const { return bytes_; }

 private:
  using Write = std::function<void(void* target)>;
  // `pointer` will say where `bytes` lie that `write` fills.
  template <typename Value>
  void place(std::uint64_t bytes, const Value*& pointer, Write write);
  // Null: zeros.
  void placeFloats(const float* values, std::uint32_t count, const float*& pointer);

  struct Part {
    std::uint64_t offset;
    std::function<void(void*)> tell;
    Write write;
  };

  DeviceMemory& memory_;
  const dnnl::engine engine_;
  const Kernels& kernels_;
  std::vector<Part> parts_;
  std::uint64_t bytes_ = 0;
  DeviceMemory::Block block_;
};

}  // namespace lc::onednn
