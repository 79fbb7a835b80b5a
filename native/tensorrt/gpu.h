// One device, through the CUDA runtime.
#pragma once

#include <atomic>
#include <cstdint>

#include "cuda/runtime.h"
#include "tensorrt/failure.h"

namespace lc::trt {

// Remembers when a call says that the device is lost: from then on nothing may touch it, destructors
// included.
class Gpu {
 public:
  // Makes the device current on the calling thread. Throws Failure; LC_NO_DEVICE for a number that no device
  // has.
  Gpu(const cuda::Runtime& runtime, std::uint32_t index);
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const cuda::Functions& call() const { return runtime_(); }
  bool lost() const { return lost_.load(); }

  // Throws Failure unless `code` is success.
  void check(int code, const char* operation);
  // The same without throwing, for calls whose failure is no news: whether it is success.
  bool succeeded(int code) noexcept;
  // Throws LC_DEVICE_LOST when it is lost.
  void requireAlive() const;

  // Bytes free on the whole device.
  std::uint64_t freeBytes();
  // Device memory, aligned as cudaMalloc aligns. nullptr: the device has too little, and `freeBytes` says how
  // much. Asks first, as WDDM and WSL would move to host memory instead of failing.
  void* allocate(std::uint64_t bytes, std::uint64_t& freeBytes);
  void free(void* block) noexcept;

 private:
  const cuda::Runtime& runtime_;
  std::atomic<bool> lost_ = false;
};

}  // namespace lc::trt
