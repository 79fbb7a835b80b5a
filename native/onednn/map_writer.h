// The end of each tile's work: results go to their map, and its statistics are taken on the way.
#pragma once

#include <cstdint>

#include "onednn/group_norm.h"
#include "onednn/kernels/kernels.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"
#include "onednn/tile_result.h"
#include "onednn/tiling.h"

namespace lc::onednn {

class MapWriter {
 public:
  // For the operation of this index. Registers its statistics with the builder, when a norm will read them.
  // rectifies: a ReLU is behind the sum. No norm reads such a map.
  MapWriter(PlanBuilder& builder, std::uint32_t operation, std::uint32_t map, const Tiling& tiling,
            bool rectifies = false);

  std::uint64_t scratchBytes() const { return ChannelSums::bytes(channels_); }
  // Writes, or adds to what is there. `scratch`: scratchBytes() of it.
  void write(const Stage& stage, std::uint32_t image, std::uint32_t tile, const TileResult& result, bool adds,
             void* scratch) const;
  // Writes what another result of this tile is going to be added to: no statistics yet.
  void begin(const Stage& stage, std::uint32_t image, std::uint32_t tile, const TileResult& result) const;

 private:
  float* targetOf(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile) const;
  const Kernels& kernels_;
  std::uint32_t map_;
  std::uint32_t channels_;
  Tiling tiling_;
  bool rectifies_;
  // 0: no statistics are taken.
  std::uint32_t groups_;
  std::uint32_t statistics_ = 0;
};

}  // namespace lc::onednn
