#include "onednn/convolution_step.h"

#include <algorithm>

namespace lc::onednn {
namespace {

Extent targetExtent(const Extent& source, const ConvolutionOperation& operation) {
  const std::uint32_t stride = operation.weights.shape.stride;
  return {source.height / stride, source.width / stride};
}

// Sides of what becomes one pixel of the target's map.
std::uint32_t stepOf(const ConvolutionOperation& operation) {
  return operation.goesToDepth ? 2 : 1;
}

// The same tiles on the target's map.
Tiling onTarget(const Tiling& tiling, std::uint32_t step) {
  const Extent& map = tiling.map();
  const Extent& tile = tiling.tile();
  return {{map.height / step, map.width / step}, {tile.height / step, tile.width / step}};
}

std::uint32_t sourceSide(std::uint32_t target, const Convolution::Shape& shape) {
  return (target - 1) * shape.stride + shape.kernel;
}

}  // namespace

ConvolutionStep::ConvolutionStep(PlanBuilder& builder, std::uint32_t index,
                                 const ConvolutionOperation& operation)
    : operation_(operation),
      kernels_(builder.kernels),
      count_(builder.shape.count),
      source_(builder.maps[operation.source]),
      sourceExtent_(builder.extentOf(operation.source)),
      fitting_(fitConvolution(builder.engine, operation.weights, targetExtent(sourceExtent_, operation),
                              stepOf(operation))),
      tiling_(targetExtent(sourceExtent_, operation), fitting_.tile) {
  if (operation.norm) norm_.emplace(builder, index, *operation.norm);
  const Convolution::Shape& shape = operation.weights.shape;
  const Extent& tile = fitting_.tile;
  const std::uint64_t tilePixels = std::uint64_t{tile.height} * tile.width;
  const std::uint64_t sourceWidth = sourceSide(tile.width, shape);
  std::uint64_t rows = tilePixels;
  std::uint64_t operandsBytes =
      sourceSide(tile.height, shape) * sourceWidth * shape.inputs * operandBytes(operation.weights.operand);
  std::uint64_t workspaceBytes = fitting_.convolution.scratchBytes();
  if (operation.shortcut) {
    const ProductWeights& product = operation.shortcut->weights;
    shortcut_.emplace(fitProduct(builder.engine, product, static_cast<std::uint32_t>(tilePixels),
                                 Product::Kind::kWithBias));
    shortcutSource_ = builder.maps[operation.shortcut->source];
    rows = shortcut_->rows;
    operandsBytes = std::max(operandsBytes, rows * product.shape.inner * operandBytes(product.operand));
    workspaceBytes = std::max<std::uint64_t>(workspaceBytes, shortcut_->product.scratchBytes());
  }
  operands_ = scratch_.add(operandsBytes);
  product_ = scratch_.add(rows * shape.outputs * sizeof(float));
  const std::uint64_t gathered = isBlocked() ? sourceWidth * shape.inputs : 0;
  const std::uint64_t given = TileResult::rowFloats(layout(), tile, shape.outputs);
  row_ = scratch_.add(std::max(gathered, given) * sizeof(float));
  workspace_ = scratch_.add(workspaceBytes);
  if (operation.target) {
    writer_.emplace(builder, index, *operation.target, onTarget(tiling_, stepOf(operation)),
                    operation.rectifies);
    sums_ = scratch_.add(writer_->scratchBytes());
  }
}

void ConvolutionStep::run(const Stage& stage) const {
  if (norm_) norm_->finish(stage);
  const std::size_t tiles = tiling_.count();
  stage.pool.run(count_ * tiles, [&](std::size_t piece, std::uint32_t thread) {
    runTile(stage, static_cast<std::uint32_t>(piece / tiles), static_cast<std::uint32_t>(piece % tiles),
            thread);
  });
}

void ConvolutionStep::runTile(const Stage& stage, std::uint32_t image, std::uint32_t index,
                              std::uint32_t thread) const {
  std::byte* scratch = stage.scratchOf(thread);
  std::byte* operands = scratch + operands_;
  auto* product = reinterpret_cast<float*>(scratch + product_);
  auto* row = reinterpret_cast<float*>(scratch + row_);
  const Workspace workspace{stage.streams[thread], scratch + workspace_};
  const Tiling::Tile tile = tiling_[index];
  const Extent& extent = tiling_.tile();
  const ConvolutionWeights& weights = operation_.weights;

  begin(stage, image, index, thread);
  GatherSource source = sourceOf(stage, source_, sourceExtent_, weights.shape.inputs, image);
  if (norm_) {
    norm_->applyTo(source, stage, image);
    source.silu = true;
  }
  const std::int64_t stride = weights.shape.stride;
  const Window window{tile.top * stride - operation_.paddingTop, tile.left * stride - operation_.paddingLeft,
                      sourceSide(extent.height, weights.shape), sourceSide(extent.width, weights.shape)};
  if (isBlocked()) {
    gatherBlocks(kernels_, source, window, row, reinterpret_cast<float*>(operands));
  } else {
    gather(kernels_, weights.operand, source, window, operands,
           std::size_t{window.height} * window.width * weights.shape.inputs);
  }
  fitting_.convolution.run(workspace, operands, weights.values, weights.bias, product);

  const bool adds = operation_.adds || shortcut_ || operation_.means.group != 0;
  if (writer_) {
    const TileResult result{product, extent, weights.shape.outputs, layout(), row};
    writer_->write(stage, image, index, result, adds, scratch + sums_);
  } else {
    writeMoments(stage, image, index, product, adds);
  }
}

void ConvolutionStep::begin(const Stage& stage, std::uint32_t image, std::uint32_t index,
                            std::uint32_t thread) const {
  std::byte* scratch = stage.scratchOf(thread);
  auto* product = reinterpret_cast<float*>(scratch + product_);
  if (shortcut_) {
    multiplyShortcut(stage, image, tiling_[index], thread, product);
  } else if (operation_.means.group != 0) {
    takeMeans(stage, image, tiling_[index], product);
  } else {
    return;
  }
  if (writer_) {
    // Rows of pixels whatever the convolution's own layout is.
    const auto layout = operation_.goesToDepth ? TileResult::Layout::kDepth : TileResult::Layout::kRows;
    writer_->begin(stage, image, index,
                   {product, tiling_.tile(), operation_.weights.shape.outputs, layout,
                    reinterpret_cast<float*>(scratch + row_)});
  } else {
    writeMoments(stage, image, index, product, false);
  }
}

void ConvolutionStep::multiplyShortcut(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile,
                                       std::uint32_t thread, float* product) const {
  std::byte* scratch = stage.scratchOf(thread);
  const Extent& extent = tiling_.tile();
  const ProductWeights& pointwise = operation_.shortcut->weights;
  gather(kernels_, pointwise.operand,
         sourceOf(stage, shortcutSource_, tiling_.map(), pointwise.shape.inner, image),
         {tile.top, tile.left, extent.height, extent.width}, scratch + operands_,
         std::size_t{shortcut_->rows} * pointwise.shape.inner);
  shortcut_->product.run({stage.streams[thread], scratch + workspace_}, scratch + operands_, pointwise.values,
                         pointwise.bias, product);
}

// Of the part of the tile that lies on the map.
void ConvolutionStep::takeMeans(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile,
                                float* product) const {
  const Convolution::Shape& shape = operation_.weights.shape;
  const GatherSource source = sourceOf(stage, source_, sourceExtent_, shape.inputs, image);
  const auto& [group, scale] = operation_.means;
  const auto factor = static_cast<float>(scale / group);
  for (std::uint32_t y = 0; y < tile.height; ++y) {
    const std::size_t pixel = std::size_t{tile.top + y} * sourceExtent_.width + tile.left;
    kernels_.groupSums(source.values + pixel * shape.inputs, std::size_t{tile.width} * shape.outputs, group,
                       factor, product + std::size_t{y} * tiling_.tile().width * shape.outputs);
  }
}

bool ConvolutionStep::isBlocked() const {
  return operation_.weights.shape.algorithm == Convolution::Algorithm::kWinograd;
}

TileResult::Layout ConvolutionStep::layout() const {
  if (operation_.goesToDepth) return TileResult::Layout::kDepth;
  return isBlocked() ? TileResult::Layout::kBlocks : TileResult::Layout::kRows;
}

GatherSource ConvolutionStep::sourceOf(const Stage& stage, std::uint32_t item, const Extent& extent,
                                       std::uint32_t channels, std::uint32_t image) const {
  const std::size_t values = std::size_t{extent.height} * extent.width * channels;
  return {stage.at<float>(item) + image * values, extent, channels, nullptr, nullptr, false};
}

// (pixels, outputs) -> (outputs, pixels)
void ConvolutionStep::writeMoments(const Stage& stage, std::uint32_t image, std::uint32_t index,
                                   const float* product, bool adds) const {
  const Tiling::Tile tile = tiling_[index];
  const Extent& map = tiling_.map();
  const std::uint32_t outputs = operation_.weights.shape.outputs;
  const std::size_t plane = std::size_t{map.height} * map.width;
  for (std::uint32_t output = 0; output < outputs; ++output) {
    float* target = stage.moments + (std::size_t{image} * outputs + output) * plane;
    for (std::uint32_t y = 0; y < tile.height; ++y) {
      const float* from = product + std::size_t{y} * tiling_.tile().width * outputs + output;
      float* row = target + (std::size_t{tile.top} + y) * map.width + tile.left;
      for (std::uint32_t x = 0; x < tile.width; ++x) {
        const float value = from[std::size_t{x} * outputs];
        row[x] = adds ? row[x] + value : value;
      }
    }
  }
}

}  // namespace lc::onednn
