// The end of each tile's work: results go to their map, and its statistics are taken on the way.
#pragma once

#include <cstdint>

#include "onednn/group_norm.h"
#include "onednn/kernels/kernels.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"
#include "onednn/tiling.h"

namespace lc::onednn {

class MapWriter {
 public:
  // For the operation of this index. Registers its statistics with the builder, when a norm will read them.
  MapWriter(PlanBuilder& builder, std::uint32_t operation, std::uint32_t map, const Tiling& tiling,
            bool adds);

  std::uint64_t scratchBytes() const { return ChannelSums::bytes(channels_); }
  // `product`: float32 (tile height, tile width, channels), of the tile's full size.
  void write(const Stage& stage, std::uint32_t image, std::uint32_t tile, const float* product,
             void* scratch) const;

 private:
  const Kernels& kernels_;
  std::uint32_t map_;
  std::uint32_t channels_;
  Tiling tiling_;
  bool adds_;
  std::uint32_t groups_;
  std::uint32_t statistics_ = 0;
};

}  // namespace lc::onednn
