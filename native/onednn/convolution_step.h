// One convolution over all images, with the norm and the activation before it and the sum behind it.
#pragma once

#include <optional>

#include "onednn/fitting.h"
#include "onednn/gather.h"
#include "onednn/map_writer.h"
#include "onednn/norm_table.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"

namespace lc::onednn {

class ConvolutionStep final : public Step {
 public:
  // `operation` must outlive it.
  ConvolutionStep(PlanBuilder& builder, std::uint32_t index, const ConvolutionOperation& operation);
  std::uint64_t scratchBytes() const override { return scratch_.bytes(); }
  void run(const Stage& stage) const override;

 private:
  void runTile(const Stage& stage, std::uint32_t image, std::uint32_t tile, std::uint32_t thread) const;
  // The values of one image's map.
  GatherSource sourceOf(const Stage& stage, std::uint32_t item, const Extent& extent, std::uint32_t channels,
                        std::uint32_t image) const;
  // Whether the convolution takes and gives blocks of channels.
  bool isBlocked() const;
  // What the convolution's result is added to, when that is not in the target already.
  void begin(const Stage& stage, std::uint32_t image, std::uint32_t tile, std::uint32_t thread) const;
  // `product`: (tile height, tile width, outputs).
  void multiplyShortcut(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile,
                        std::uint32_t thread, float* product) const;
  void takeMeans(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile, float* product) const;
  void writeMoments(const Stage& stage, std::uint32_t image, std::uint32_t tile, const float* product,
                    bool adds) const;
  TileResult::Layout layout() const;

  const ConvolutionOperation& operation_;
  const Kernels& kernels_;
  std::uint32_t count_;
  std::uint32_t source_;
  Extent sourceExtent_;
  FittingConvolution fitting_;
  // Of what the convolution gives.
  Tiling tiling_;
  std::optional<NormTable> norm_;
  std::optional<FittingProduct> shortcut_;
  std::uint32_t shortcutSource_ = 0;
  // None: the moments.
  std::optional<MapWriter> writer_;
  ScratchLayout scratch_;
  std::uint64_t operands_;
  std::uint64_t product_;
  // Of layouts that are not that of a map; else 0 bytes.
  std::uint64_t row_;
  std::uint64_t sums_ = 0;
  std::uint64_t workspace_;
};

}  // namespace lc::onednn
