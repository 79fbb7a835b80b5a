// Primitives for a size that may be any, with weights whose layout was chosen for another.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "onednn/primitives.h"
#include "onednn/tiling.h"
#include "onednn/weights.h"

namespace lc::onednn {

struct FittingConvolution {
  Convolution convolution;
  Extent tile;
};

// With the tile that leaves the least over the map's edges, of those for which oneDNN is fast with the
// weights as they lie and whose sides are multiples of `step`. The tile that they were laid out for is always
// one.
FittingConvolution fitConvolution(const dnnl::engine& engine, const ConvolutionWeights& weights,
                                  const Extent& map, std::uint32_t step);

struct FittingProduct {
  Product product;
  // At least those asked for.
  std::uint32_t rows;
};

FittingProduct fitProduct(const dnnl::engine& engine, const ProductWeights& weights, std::uint32_t rows,
                          Product::Kind kind);

}  // namespace lc::onednn
