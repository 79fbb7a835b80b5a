// What a primitive made of one tile, row by row of the map that it goes to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "onednn/blocks.h"
#include "onednn/tiling.h"

namespace lc::onednn {

struct TileResult {
  enum class Layout {
    kRows,    // (tile height, tile width, channels) float32
    kBlocks,  // the same in blocks, see blocks.h
    // As kRows, but 2 x 2 pixels are one of the map, with 4 times the channels: row, column, channel.
    kDepth
  };

  const float* values;
  Extent tile;
  std::uint32_t channels;
  Layout layout = Layout::kRows;
  // Of rowFloats() values.
  float* rowBuffer = nullptr;

  static std::size_t rowFloats(Layout layout, const Extent& tile, std::uint32_t channels) {
    const std::size_t row = std::size_t{tile.width} * channels;
    return layout == Layout::kRows ? 0 : layout == Layout::kBlocks ? row : 2 * row;
  }

  // The first `width` pixels of a row, both of the map. The one before is gone then, unless the layout is
  // kRows.
  const float* row(std::uint32_t y, std::uint32_t width) const {
    switch (layout) {
      case Layout::kRows:
        return rowOfTile(y);
      case Layout::kBlocks: {
        const std::size_t plane = std::size_t{tile.height} * tile.width * kChannelBlock;
        blocksToRow(values + std::size_t{y} * tile.width * kChannelBlock, plane, width, channels, rowBuffer);
        return rowBuffer;
      }
      case Layout::kDepth:
        copyPairs(rowOfTile(2 * y), width, rowBuffer);
        copyPairs(rowOfTile(2 * y + 1), width, rowBuffer + pairFloats());
        return rowBuffer;
    }
    return nullptr;
  }

 private:
  const float* rowOfTile(std::uint32_t y) const { return values + std::size_t{y} * tile.width * channels; }
  std::size_t pairFloats() const { return std::size_t{2} * channels; }
  // Two neighbours of a row are half of a pixel of the map.
  void copyPairs(const float* pairs, std::uint32_t count, float* target) const {
    for (std::uint32_t x = 0; x < count; ++x) {
      std::copy_n(pairs + x * pairFloats(), pairFloats(), target + 2 * x * pairFloats());
    }
  }
};

}  // namespace lc::onednn
