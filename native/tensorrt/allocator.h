// Device memory for TensorRT, inside of a budget.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "tensorrt/budget.h"
#include "tensorrt/gpu.h"

namespace lc::trt {

class Allocator final : public nvinfer1::IGpuAsyncAllocator {
 public:
  Allocator(Gpu& gpu, Budget& budget) : gpu_(gpu), budget_(budget) {}

  void* allocateAsync(std::uint64_t bytes, std::uint64_t alignment, nvinfer1::AllocatorFlags flags,
                      cudaStream_t stream) noexcept override;
  bool deallocateAsync(void* block, cudaStream_t stream) noexcept override;

  std::uint64_t usedBytes() const;

  // The latest request that was refused since clearDenial: by the budget, or because the device has too
  // little.
  struct Denial {
    std::uint64_t bytesAsked;
    std::uint64_t bytesFree;
  };
  std::optional<Denial> denial() const;
  void clearDenial();

  // For a lost device: gives all of its bytes back to the budget, and never asks it again.
  void detach();

 private:
  void* take(std::uint64_t bytes, std::uint64_t alignment);
  void deny(std::uint64_t bytesAsked, std::uint64_t bytesFree);

  Gpu& gpu_;
  Budget& budget_;
  mutable std::mutex mutex_;
  std::map<void*, std::uint64_t> blocks_;
  std::uint64_t usedBytes_ = 0;
  std::optional<Denial> denial_;
};

}  // namespace lc::trt
