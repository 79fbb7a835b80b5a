// Rows of pixels whose channels lie together, and the layout that the Winograd kernels take: blocks of 16
// channels, each a plane of its own (oneDNN's nChw16c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lc::onednn {

inline constexpr std::size_t kChannelBlock = 16;

// (pixels, channels) -> the same pixels of each plane. `blocks` is the first one's place, `planeFloats` the
// distance of two planes; channels are a multiple of kChannelBlock.
inline void rowToBlocks(const float* row, std::size_t pixels, std::size_t channels, float* blocks,
                        std::size_t planeFloats) {
  for (std::size_t channel = 0; channel < channels; channel += kChannelBlock, blocks += planeFloats) {
    for (std::size_t x = 0; x < pixels; ++x) {
      std::memcpy(blocks + x * kChannelBlock, row + x * channels + channel, kChannelBlock * sizeof(float));
    }
  }
}

inline void blocksToRow(const float* blocks, std::size_t planeFloats, std::size_t pixels,
                        std::size_t channels, float* row) {
  for (std::size_t channel = 0; channel < channels; channel += kChannelBlock, blocks += planeFloats) {
    for (std::size_t x = 0; x < pixels; ++x) {
      std::memcpy(row + x * channels + channel, blocks + x * kChannelBlock, kChannelBlock * sizeof(float));
    }
  }
}

}  // namespace lc::onednn
