#include "onednn/fitting.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lc::onednn {
namespace {

std::uint32_t roundUp(std::uint32_t value, std::uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::uint64_t work(const Extent& map, const Extent& tile) {
  return std::uint64_t{Tiling(map, tile).count()} * tile.height * tile.width;
}

}  // namespace

FittingConvolution fitConvolution(const dnnl::engine& engine, const ConvolutionWeights& weights,
                                  const Extent& map, std::uint32_t step) {
  const auto make = [&](const Extent& tile) {
    Convolution::Shape shape = weights.shape;
    shape.height = tile.height;
    shape.width = tile.width;
    return Convolution(engine, weights.operand, shape, &weights.layout);
  };
  const Extent largest{weights.shape.height, weights.shape.width};
  Extent even = evenTile(map, largest);
  even = {roundUp(even.height, step), roundUp(even.width, step)};
  std::array<Extent, 4> tiles{even, even, even, largest};
  // Kernels prefer rows of whole vectors.
  tiles[1].width = std::min(roundUp(even.width, 8), largest.width);
  tiles[2].width = std::min(roundUp(even.width, 16), largest.width);
  std::stable_sort(tiles.begin(), tiles.end(),
                   [&](const Extent& a, const Extent& b) { return work(map, a) < work(map, b); });
  for (const Extent& tile : tiles) {
    try {
      Convolution convolution = make(tile);
      if (convolution.isFast()) return {std::move(convolution), tile};
    } catch (const dnnl::error&) {
      // Weights for Winograd's algorithm have no plain loops to fall back to.
    }
  }
  return {make(largest), largest};
}

FittingProduct fitProduct(const dnnl::engine& engine, const ProductWeights& weights, std::uint32_t rows,
                          Product::Kind kind) {
  Product::Shape shape = weights.shape;
  shape.rows = rows;
  Product product(engine, weights.operand, shape, kind, &weights.layout);
  if (product.isFast() || rows > weights.shape.rows) return {std::move(product), rows};
  return {Product(engine, weights.operand, weights.shape, kind, &weights.layout), weights.shape.rows};
}

}  // namespace lc::onednn
