// Pixels -> the first feature map.
#pragma once

#include "onednn/fitting.h"
#include "onednn/map_writer.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"

namespace lc::onednn {

class PixelStep final : public Step {
 public:
  // `operation` must outlive it.
  PixelStep(PlanBuilder& builder, std::uint32_t index, const PixelOperation& operation);
  std::uint64_t scratchBytes() const override { return scratch_.bytes(); }
  void run(const Stage& stage) const override;

 private:
  void runTile(const Stage& stage, std::uint32_t image, std::uint32_t tile, std::uint32_t thread) const;

  lc_pixel_range range_;
  const ProductWeights& weights_;
  Extent size_;
  std::uint32_t count_;
  Tiling tiling_;
  FittingProduct fitting_;
  MapWriter writer_;
  ScratchLayout scratch_;
  std::uint64_t operands_;
  std::uint64_t product_;
  std::uint64_t sums_;
  std::uint64_t workspace_;
};

}  // namespace lc::onednn
