#include "onednn/pixel_step.h"

#include "onednn/pixel_operands.h"
#include "onednn/tile_sizes.h"

namespace lc::onednn {

PixelStep::PixelStep(PlanBuilder& builder, std::uint32_t index, const PixelOperation& operation)
    : range_(operation.range),
      weights_(operation.weights),
      size_{builder.shape.height, builder.shape.width},
      count_(builder.shape.count),
      tiling_(size_, evenTile(size_, kPixelTile)),
      fitting_(fitProduct(builder.engine, weights_, tiling_.tile().height * tiling_.tile().width,
                          Product::Kind::kWithBias)),
      writer_(builder, index, operation.target, tiling_) {
  const std::uint64_t rows = fitting_.rows;
  operands_ = scratch_.add(rows * weights_.shape.inner * operandBytes(weights_.operand));
  product_ = scratch_.add(rows * weights_.shape.columns * sizeof(float));
  sums_ = scratch_.add(writer_.scratchBytes());
  workspace_ = scratch_.add(fitting_.product.scratchBytes());
}

void PixelStep::run(const Stage& stage) const {
  const std::size_t tiles = tiling_.count();
  stage.pool.run(count_ * tiles, [&](std::size_t piece, std::uint32_t thread) {
    runTile(stage, static_cast<std::uint32_t>(piece / tiles), static_cast<std::uint32_t>(piece % tiles),
            thread);
  });
}

void PixelStep::runTile(const Stage& stage, std::uint32_t image, std::uint32_t tile,
                        std::uint32_t thread) const {
  std::byte* scratch = stage.scratchOf(thread);
  auto* product = reinterpret_cast<float*>(scratch + product_);
  constexpr std::size_t kColours = 3;
  const std::uint8_t* pixels = stage.pixels + image * (kColours * size_.height * size_.width);
  writePixelOperands(range_, weights_.operand, pixels, size_, tiling_, tile, scratch + operands_);
  fitting_.product.run({stage.streams[thread], scratch + workspace_}, scratch + operands_, weights_.values,
                       weights_.bias, product);
  writer_.write(stage, image, tile, {product, tiling_.tile(), weights_.shape.columns}, false,
                scratch + sums_);
}

}  // namespace lc::onednn
