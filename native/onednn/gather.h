// A window of a feature map as the operand of a convolution.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onednn/kernels/kernels.h"
#include "onednn/tiling.h"

namespace lc::onednn {

// A map of one image, (height, width, channels) float32, and what is done to each value on the way.
struct GatherSource {
  const float* values;
  Extent map;
  std::uint32_t channels;
  // Of the norm, (channels) each; null: none, the values as they are.
  const float* scale;
  // Null: the norm takes each pixel by itself, see prepareRms in kernels.h.
  const float* shift;
  bool silu;
  // The least length of such a pixel.
  float shortest = 0.0F;
};

// May begin and end beyond the map.
struct Window {
  std::int64_t top;
  std::int64_t left;
  std::uint32_t height;
  std::uint32_t width;
};

// Writes operands (height, width, channels); zeros beyond the map. `plane` as in kernels.h.
void gather(const Kernels& kernels, Operand operand, const GatherSource& source, const Window& window,
            void* target, std::size_t plane);

// The same of float32 in blocks of channels, see blocks.h. `rowBuffer`: (window width, channels).
void gatherBlocks(const Kernels& kernels, const GatherSource& source, const Window& window, float* rowBuffer,
                  float* target);

}  // namespace lc::onednn
