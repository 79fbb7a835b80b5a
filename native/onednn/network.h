// A network as a list of operations on feature maps, with its weights. Independent of the size of images.
#pragma once

#include <cstdint>
#include <deque>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <variant>

#include "core/lc_network.h"
#include "onednn/device_memory.h"
#include "onednn/group_norm.h"
#include "onednn/weights.h"

namespace lc::onednn {

// A feature map of each image, (height, width, channels) float32. Operations that add to it change it in
// place.
struct MapInfo {
  // Sides are those of the image divided by 2^level.
  std::uint32_t level;
  std::uint32_t channels;
};

// A norm of a map.
struct NormOfMap {
  NormParameters parameters;
  // Index of the operation that took the statistics when it wrote the map. None: an RMS norm, which needs
  // none.
  std::optional<std::uint32_t> writer;
};

// Pixels -> map.
struct PixelOperation {
  lc_pixel_range range;
  ProductWeights weights;
  std::uint32_t target;
};

// convolution(silu(norm(source))), or without the two, written to the target or added to it.
struct ConvolutionOperation {
  std::uint32_t source;
  std::optional<NormOfMap> norm;
  ConvolutionWeights weights;
  std::uint32_t paddingTop;
  std::uint32_t paddingLeft;
  // 1 x 1 of another map, added as well.
  struct Shortcut {
    std::uint32_t source;
    ProductWeights weights;
  };
  std::optional<Shortcut> shortcut;
  // Means of the source's neighbouring channels, times a scale, are added; group 0: none.
  struct Means {
    std::uint32_t group;
    double scale;
  };
  Means means;
  bool adds;
  // A ReLU behind the sum.
  bool rectifies;
  // 2 x 2 pixels become one of the target, see tile_result.h.
  bool goesToDepth;
  // None: the moments.
  std::optional<std::uint32_t> target;
};

// map += output(attention(query, key, value of norm(map))), one head.
struct AttentionOperation {
  std::uint32_t map;
  NormOfMap norm;
  ProductWeights queryKeyValue;  // the query's are scaled
  ProductWeights output;
};

struct Operation {
  std::variant<PixelOperation, ConvolutionOperation, AttentionOperation> what;
  // Of the norm that reads what this operation writes; 0: none does.
  std::uint32_t groups = 0;
};

class Network {
 public:
  // Throws Failure: LC_UNSUPPORTED (layers in an order that is no encoder's), LC_INVALID (channels that do
  // not fit), LC_OUT_OF_MEMORY.
  Network(const lc_network& network, const dnnl::engine& engine, const Kernels& kernels,
          DeviceMemory& memory);

  const std::deque<Operation>& operations() const { return operations_; }
  const std::deque<MapInfo>& maps() const { return maps_; }
  // Of nearly all; network.cpp says where another is taken.
  Operand operand() const { return operand_; }
  // 2^levels: what the sides of an image are multiples of.
  std::uint32_t stride() const { return stride_; }
  std::uint32_t outputs() const { return outputs_; }
  std::uint64_t weightBytes() const { return block_.bytes(); }

 private:
  class Reader;

  Operand operand_;
  WeightBlock block_;
  // Deques: the weight block knows the addresses of what it will fill.
  std::deque<Operation> operations_;
  std::deque<MapInfo> maps_;
  std::uint32_t stride_ = 1;
  std::uint32_t outputs_ = 0;
};

}  // namespace lc::onednn
