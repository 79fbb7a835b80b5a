// What a primitive made of one tile: float32 (tile height, tile width, channels), or in blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onednn/blocks.h"
#include "onednn/tiling.h"

namespace lc::onednn {

struct TileResult {
  const float* values;
  Extent tile;
  std::uint32_t channels;
  // (tile width, channels), where the values are in blocks; else null.
  float* rowBuffer;

  // The first `width` pixels of a row, (width, channels). In blocks, the one before is gone then.
  const float* row(std::uint32_t y, std::uint32_t width) const {
    if (rowBuffer == nullptr) return values + std::size_t{y} * tile.width * channels;
    const std::size_t plane = std::size_t{tile.height} * tile.width * kChannelBlock;
    blocksToRow(values + std::size_t{y} * tile.width * kChannelBlock, plane, width, channels, rowBuffer);
    return rowBuffer;
  }
};

}  // namespace lc::onednn
