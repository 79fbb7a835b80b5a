// What the steps of one run work on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>

#include "onednn/arena_plan.h"
#include "onednn/primitives.h"
#include "onednn/thread_pool.h"

namespace lc::onednn {

struct Stage {
  const ArenaPlan& plan;
  std::byte* arena;
  // Each thread has a part of its own.
  std::uint32_t scratchItem;
  std::uint64_t scratchBytes;
  ThreadPool& pool;
  // One for each thread.
  std::span<const dnnl::stream> streams;
  // (count, height, width, 3) uint8
  const std::uint8_t* pixels;
  // (count, outputs, height, width) float32
  float* moments;

  template <typename Value>
  Value* at(std::uint32_t item) const {
    return reinterpret_cast<Value*>(arena + plan.offset(item));
  }
  std::byte* scratchOf(std::uint32_t thread) const {
    return at<std::byte>(scratchItem) + thread * scratchBytes;
  }
};

// How one step divides its thread's scratch: parts behind each other.
class ScratchLayout {
 public:
  std::uint64_t add(std::uint64_t bytes) {
    const std::uint64_t offset = bytes_;
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return offset;
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::uint64_t kAlignment = 64;
  std::uint64_t bytes_ = 0;
};

// One pass over all images that ends before the next begins.
class Step {
 public:
  virtual ~Step() = default;
  virtual std::uint64_t scratchBytes() const = 0;
  virtual void run(const Stage& stage) const = 0;
};

}  // namespace lc::onednn
