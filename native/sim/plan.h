// An engine of the simulated GPU.
#pragma once

#include <cstdint>
#include <string>

#include "core/lc_backend.h"
#include "sim/work.h"

namespace lc::sim {

/*
 * Text of the form
 *   sim precision=fp16 chunks=4 maxcount=8 minheight=256 maxheight=1024 minwidth=256 maxwidth=1024 channels=8
 *   stride=8 weights=68320000 operations=4128642 pairs=2048 elements=5283.375 width=128
 * with channels of the moments, pixels for each of their cells, bytes of the weights, and what `Cost` has.
 * All words are required.
 */
struct Plan {
  Precision precision;
  std::uint32_t chunks;
  lc_shape minimum;
  lc_shape maximum;
  std::uint32_t channels;
  std::uint32_t stride;
  std::uint64_t weightBytes;
  Cost cost;

  std::uint64_t cells(const lc_shape& shape) const {
    return std::uint64_t{shape.height / stride} * (shape.width / stride);
  }
  // Of the attention.
  std::uint64_t tokens(const lc_shape& shape) const { return cost.pairs > 0 ? cells(shape) : 0; }
  // Throws Failure (LC_SHAPE).
  lc_run_memory memoryFor(const lc_shape& shape) const;
};

// Throws Failure (LC_ENGINE_INVALID) naming the word that is unknown, missing or wrong.
Plan parsePlan(const std::string& text);

}  // namespace lc::sim
