// What the steps of a plan are made from.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "core/lc_backend.h"
#include "onednn/arena_plan.h"
#include "onednn/network.h"
#include "onednn/tiling.h"

namespace lc::onednn {

// Statistics that an operation takes of what it writes: (count, tiles, groups) GroupMoments.
struct StatisticsPlace {
  std::uint32_t item;
  Tiling tiling;
};

struct PlanBuilder {
  const Network& network;
  const dnnl::engine& engine;
  const Kernels& kernels;
  const lc_shape& shape;
  ArenaPlan& arena;
  // Items by map.
  std::vector<std::uint32_t> maps;
  // By operation; those whose output no norm reads have none.
  std::vector<std::optional<StatisticsPlace>> statistics;
  // Index of the last operation that reads the statistics of each.
  std::vector<std::uint32_t> lastReader;

  Extent extentOf(std::uint32_t map) const {
    const std::uint32_t level = network.maps()[map].level;
    return {shape.height >> level, shape.width >> level};
  }
  std::uint32_t channelsOf(std::uint32_t map) const { return network.maps()[map].channels; }
};

}  // namespace lc::onednn
