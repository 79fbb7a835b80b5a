// map += output(softmax(query key) value), from what the projection left.
#pragma once

#include "onednn/attention_memory.h"
#include "onednn/fitting.h"
#include "onednn/map_writer.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"

namespace lc::onednn {

class AttentionStep final : public Step {
 public:
  // `operation` and `memory` must outlive it.
  AttentionStep(PlanBuilder& builder, std::uint32_t index, const AttentionOperation& operation,
                const AttentionMemory& memory);
  std::uint64_t scratchBytes() const override { return scratch_.bytes(); }
  void run(const Stage& stage) const override;

 private:
  void runTile(const Stage& stage, std::uint32_t image, std::uint32_t tile, std::uint32_t thread) const;

  const AttentionMemory& memory_;
  const ProductWeights& weights_;
  const Kernels& kernels_;
  std::uint32_t count_;
  FittingProduct fitting_;
  MapWriter writer_;
  ScratchLayout scratch_;
  std::uint64_t scores_;
  std::uint64_t operands_;
  std::uint64_t attended_;
  std::uint64_t product_;
  std::uint64_t maximum_;
  std::uint64_t total_;
  std::uint64_t sums_;
  std::uint64_t workspace_;
};

}  // namespace lc::onednn
