#include "onednn/gather.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace lc::onednn {

void gather(const Kernels& kernels, Operand operand, const GatherSource& source, const Window& window,
            void* target) {
  const std::size_t pixelBytes = source.channels * operandBytes(operand);
  const std::int64_t mapWidth = source.map.width;
  const std::int64_t windowWidth = window.width;
  // Columns of the window that lie on the map.
  const std::int64_t first = std::clamp(-window.left, std::int64_t{0}, windowWidth);
  const std::int64_t end = std::clamp(mapWidth - window.left, first, windowWidth);
  auto* row = static_cast<std::byte*>(target);
  for (std::uint32_t y = 0; y < window.height;
       ++y, row += static_cast<std::size_t>(windowWidth) * pixelBytes) {
    const std::int64_t mapRow = window.top + y;
    if (mapRow < 0 || mapRow >= std::int64_t{source.map.height} || first == end) {
      std::memset(row, 0, static_cast<std::size_t>(windowWidth) * pixelBytes);
      continue;
    }
    std::byte* inner = row + static_cast<std::size_t>(first) * pixelBytes;
    std::byte* right = row + static_cast<std::size_t>(end) * pixelBytes;
    std::memset(row, 0, static_cast<std::size_t>(inner - row));
    std::memset(right, 0, static_cast<std::size_t>(windowWidth - end) * pixelBytes);
    const std::int64_t pixel = mapRow * mapWidth + window.left + first;
    kernels.prepare(operand, source.values + static_cast<std::size_t>(pixel) * source.channels,
                    static_cast<std::size_t>(end - first), source.channels, source.scale, source.shift,
                    source.silu, inner);
  }
}

}  // namespace lc::onednn
