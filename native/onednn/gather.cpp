#include "onednn/gather.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "onednn/blocks.h"

namespace lc::onednn {
namespace {

// `count` zeros.
void clear(Operand operand, std::byte* target, std::size_t count, std::size_t plane) {
  const std::size_t bytes = partBytes(operand);
  for (std::size_t part = 0; part < partsOf(operand); ++part) {
    std::memset(target + part * plane * bytes, 0, count * bytes);
  }
}

// Row `y` of the window, as operands.
void gatherRow(const Kernels& kernels, Operand operand, const GatherSource& source, const Window& window,
               std::uint32_t y, std::byte* row, std::size_t plane) {
  const std::size_t pixelBytes = source.channels * partBytes(operand);
  const std::size_t channels = source.channels;
  const std::int64_t mapWidth = source.map.width;
  const std::int64_t width = window.width;
  const std::int64_t mapRow = window.top + y;
  // Columns of the window that lie on the map.
  const std::int64_t first = std::clamp(-window.left, std::int64_t{0}, width);
  const std::int64_t end = std::clamp(mapWidth - window.left, first, width);
  if (mapRow < 0 || mapRow >= std::int64_t{source.map.height} || first == end) {
    clear(operand, row, static_cast<std::size_t>(width) * channels, plane);
    return;
  }
  std::byte* inner = row + static_cast<std::size_t>(first) * pixelBytes;
  std::byte* right = row + static_cast<std::size_t>(end) * pixelBytes;
  clear(operand, row, static_cast<std::size_t>(first) * channels, plane);
  clear(operand, right, static_cast<std::size_t>(width - end) * channels, plane);
  const std::int64_t pixel = mapRow * mapWidth + window.left + first;
  const float* values = source.values + static_cast<std::size_t>(pixel) * channels;
  const auto pixels = static_cast<std::size_t>(end - first);
  if (source.scale != nullptr && source.shift == nullptr) {
    kernels.prepareRms(operand, values, pixels, channels, source.scale, source.shortest, source.silu, inner,
                       plane);
  } else {
    kernels.prepare(operand, values, pixels, channels, source.scale, source.shift, source.silu, inner, plane);
  }
}

}  // namespace

void gather(const Kernels& kernels, Operand operand, const GatherSource& source, const Window& window,
            void* target, std::size_t plane) {
  const std::size_t rowBytes = std::size_t{window.width} * source.channels * partBytes(operand);
  for (std::uint32_t y = 0; y < window.height; ++y) {
    gatherRow(kernels, operand, source, window, y, static_cast<std::byte*>(target) + y * rowBytes, plane);
  }
}

void gatherBlocks(const Kernels& kernels, const GatherSource& source, const Window& window, float* rowBuffer,
                  float* target) {
  const std::size_t rowFloats = window.width * kChannelBlock;
  for (std::uint32_t y = 0; y < window.height; ++y) {
    gatherRow(kernels, Operand::kFloat32, source, window, y, reinterpret_cast<std::byte*>(rowBuffer), 0);
    rowToBlocks(rowBuffer, window.width, source.channels, target + y * rowFloats, window.height * rowFloats);
  }
}

}  // namespace lc::onednn
