// A norm, ready to be applied: a factor and a summand for each channel of each image, or the weights of a
// norm that takes each pixel by itself.
#pragma once

#include <cstdint>
#include <optional>

#include "onednn/gather.h"
#include "onednn/network.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"

namespace lc::onednn {

class NormTable {
 public:
  // For the operation of this index, which reads a map through the norm. `norm` must outlive it.
  NormTable(PlanBuilder& builder, std::uint32_t operation, const NormOfMap& norm);

  // From the statistics of all tiles.
  void finish(const Stage& stage) const;
  // What is read of this image's map goes through the norm.
  void applyTo(GatherSource& source, const Stage& stage, std::uint32_t image) const;

 private:
  struct Table {
    StatisticsPlace statistics;
    std::uint32_t item;
  };

  float* tableOf(const Stage& stage, std::uint32_t image) const;

  const NormParameters& norm_;
  std::uint32_t count_;
  // None: the norm has no statistics.
  std::optional<Table> table_;
};

}  // namespace lc::onednn
