// How much one thread takes at a time. A tile's operands and results stay in a core's second-level cache (1
// MiB and more on the processors that this is for); larger tiles gain nothing, smaller ones read the weights
// more often.
#pragma once

#include <algorithm>
#include <cstdint>

#include "onednn/primitives.h"
#include "onednn/tiling.h"

namespace lc::onednn {

// Rows of the product that makes the first map.
inline constexpr std::uint32_t kPixelRows = 512;
inline constexpr Extent kPixelTile{8, 64};
// Queries that go through the attention together, and keys that they meet at a time.
inline constexpr std::uint32_t kAttentionRows = 128;
inline constexpr std::uint32_t kAttentionKeys = 512;

// Of a convolution. Winograd's reads its larger weights once for each tile, so that more channels ask for
// larger tiles.
inline Extent largestTile(Convolution::Algorithm algorithm, std::uint32_t inputs, std::uint32_t outputs) {
  const std::uint32_t channels = std::max(inputs, outputs);
  if (algorithm == Convolution::Algorithm::kWinograd) return {channels > 256 ? 32U : 16U, 64};
  constexpr std::uint32_t kValues = 1 << 17;
  const std::uint32_t pixels = std::clamp<std::uint32_t>(kValues / channels, 64, 1024);
  const std::uint32_t width = pixels >= 1024 ? 64 : 32;
  return {pixels / width, width};
}

}  // namespace lc::onednn
