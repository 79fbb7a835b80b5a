#include "tensorrt/gpu.h"

#include <string>

namespace lc::trt {

Gpu::Gpu(const cuda::Runtime& runtime, std::uint32_t index) : runtime_(runtime) {
  const auto count = static_cast<std::uint32_t>(runtime.deviceCount());
  if (index >= count) {
    throw Failure(LC_NO_DEVICE, "cudaSetDevice",
                  "There is no CUDA device " + std::to_string(index) + "; the last one is " +
                      std::to_string(count - 1));
  }
  check(call().cudaSetDevice(static_cast<int>(index)), "cudaSetDevice");
}

void Gpu::check(int code, const char* operation) {
  try {
    runtime_.check(code, operation);
  } catch (const cuda::Error& error) {
    if (error.problem() == cuda::Problem::kDeviceLost) lost_ = true;
    throw failureOf(error);
  }
}

bool Gpu::succeeded(int code) noexcept {
  if (code == cuda::kSuccess) return true;
  if (cuda::isSticky(code)) {
    lost_ = true;
  } else {
    call().cudaGetLastError();
  }
  return false;
}

void Gpu::requireAlive() const {
  if (lost()) throw Failure(LC_DEVICE_LOST, "", "The device was lost; only a new process can use it again");
}

std::uint64_t Gpu::freeBytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  check(call().cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

void* Gpu::allocate(std::uint64_t bytes, std::uint64_t& freeBytes) {
  freeBytes = this->freeBytes();
  if (bytes > freeBytes) return nullptr;
  void* block = nullptr;
  const int code = call().cudaMalloc(&block, bytes);
  if (code == cuda::kMemoryAllocation) {
    call().cudaGetLastError();
    return nullptr;
  }
  check(code, "cudaMalloc");
  return block;
}

void Gpu::free(void* block) noexcept {
  if (!lost()) succeeded(call().cudaFree(block));
}

}  // namespace lc::trt
