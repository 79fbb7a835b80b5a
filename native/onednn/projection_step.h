// Map -> queries, keys and values of its attention.
#pragma once

#include "onednn/attention_memory.h"
#include "onednn/fitting.h"
#include "onednn/norm_table.h"
#include "onednn/plan_builder.h"
#include "onednn/stage.h"

namespace lc::onednn {

class ProjectionStep final : public Step {
 public:
  // `operation` and `memory` must outlive it.
  ProjectionStep(PlanBuilder& builder, std::uint32_t index, const AttentionOperation& operation,
                 const AttentionMemory& memory);
  std::uint64_t scratchBytes() const override { return scratch_.bytes(); }
  void run(const Stage& stage) const override;

 private:
  void runTile(const Stage& stage, std::uint32_t image, std::uint32_t tile, std::uint32_t thread) const;
  // Among the plain keys or values.
  void writeToken(const Stage& stage, std::uint32_t item, std::uint32_t image, std::uint32_t token,
                  const float* values) const;
  // Keys and values that only fill the last chunk.
  void writeRest(const Stage& stage, std::uint32_t image, const float* zeros) const;
  // Oneself repacked for the products: pieces are chunks of keys, then of values.
  void repack(const Stage& stage, std::size_t piece, std::uint32_t thread) const;

  const AttentionMemory& memory_;
  const ProductWeights& weights_;
  const Kernels& kernels_;
  std::uint32_t count_;
  std::uint32_t map_;
  NormTable norm_;
  FittingProduct fitting_;
  Repacking keys_;
  Repacking values_;
  ScratchLayout scratch_;
  std::uint64_t operands_;
  std::uint64_t product_;
  std::uint64_t workspace_;
};

}  // namespace lc::onednn
