// A norm, ready to be applied: a factor and a summand for each channel of each image.
#pragma once

#include <cstdint>

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
  const float* scale(const Stage& stage, std::uint32_t image) const;
  const float* shift(const Stage& stage, std::uint32_t image) const {
    return scale(stage, image) + norm_.channels;
  }

 private:
  float* table(const Stage& stage, std::uint32_t image) const;

  const NormParameters& norm_;
  StatisticsPlace statistics_;
  std::uint32_t count_;
  std::uint32_t item_;
};

}  // namespace lc::onednn
