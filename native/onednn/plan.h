// A network at one shape: what is computed in which order, and where everything lies. Made once for a shape,
// then run any number of times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "core/lc_backend.h"
#include "onednn/arena_plan.h"
#include "onednn/attention_memory.h"
#include "onednn/network.h"
#include "onednn/stage.h"
#include "onednn/thread_pool.h"

namespace lc::onednn {

class Plan {
 public:
  // `network` must outlive it. Throws Failure (LC_SHAPE).
  Plan(const Network& network, const dnnl::engine& engine, const Kernels& kernels, const lc_shape& shape,
       std::uint32_t threads);

  const lc_shape& shape() const { return shape_; }
  // Exact: of maps, statistics and every thread's scratch.
  std::uint64_t arenaBytes() const { return arena_.bytes(); }
  // arena: arenaBytes() bytes at an address aligned to LC_ALIGNMENT; pixels: (count, height, width, 3) uint8;
  // moments: (count, outputs, height / stride, width / stride) float32.
  void run(ThreadPool& pool, std::span<const dnnl::stream> streams, std::byte* arena,
           const std::uint8_t* pixels, float* moments) const;

 private:
  lc_shape shape_;
  ArenaPlan arena_;
  std::vector<std::unique_ptr<AttentionMemory>> attentions_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::uint64_t scratchBytes_ = 0;
  std::uint32_t scratchItem_ = 0;
};

}  // namespace lc::onednn
