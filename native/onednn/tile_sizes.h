// How much one thread takes at a time. A tile's operands and results stay in a core's second-level cache (1
// MiB and more on the processors that this is for); larger tiles gain nothing, smaller ones read the weights
// more often.
#pragma once

#include <algorithm>
#include <cstdint>

#include "onednn/tiling.h"

namespace lc::onednn {

// Rows of the product that makes the first map.
inline constexpr std::uint32_t kPixelRows = 512;
inline constexpr Extent kPixelTile{8, 64};
// Queries that go through the attention together, and keys that they meet at a time.
inline constexpr std::uint32_t kAttentionRows = 128;
inline constexpr std::uint32_t kAttentionKeys = 512;

// Of a convolution.
inline Extent largestTile(std::uint32_t inputs, std::uint32_t outputs) {
  constexpr std::uint32_t kValues = 1 << 17;
  const std::uint32_t pixels = std::clamp<std::uint32_t>(kValues / std::max(inputs, outputs), 64, 1024);
  const std::uint32_t width = pixels >= 1024 ? 64 : 32;
  return {pixels / width, width};
}

}  // namespace lc::onednn
