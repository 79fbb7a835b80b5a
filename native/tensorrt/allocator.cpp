#include "tensorrt/allocator.h"

namespace lc::trt {
namespace {

// Bytes of the budget that go back unless they were used.
class Reservation {
 public:
  Reservation(Budget& budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
  ~Reservation() {
    if (bytes_ != 0) budget_.release(bytes_);
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  void keep() { bytes_ = 0; }

 private:
  Budget& budget_;
  std::uint64_t bytes_;
};

bool isAligned(const void* block, std::uint64_t alignment) {
  return alignment == 0 || reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

}  // namespace

void* Allocator::allocateAsync(std::uint64_t bytes, std::uint64_t alignment, nvinfer1::AllocatorFlags,
                               cudaStream_t) noexcept {
  if (bytes == 0 || gpu_.lost()) return nullptr;
  try {
    return take(bytes, alignment);
  } catch (...) {
    return nullptr;
  }
}

void* Allocator::take(std::uint64_t bytes, std::uint64_t alignment) {
  std::uint64_t available = 0;
  if (!budget_.reserve(bytes, available)) {
    deny(bytes, available);
    return nullptr;
  }
  Reservation reservation(budget_, bytes);
  void* block = gpu_.allocate(bytes, available);
  if (block == nullptr) {
    deny(bytes, available);
    return nullptr;
  }
  try {
    if (!isAligned(block, alignment)) throw Failure(LC_INTERNAL, "cudaMalloc", "An unaligned address");
    const std::lock_guard lock(mutex_);
    blocks_.emplace(block, bytes);
    usedBytes_ += bytes;
  } catch (...) {
    gpu_.free(block);
    throw;
  }
  reservation.keep();
  return block;
}

// cudaFree waits for the device, so no stream is still using the block afterwards.
bool Allocator::deallocateAsync(void* block, cudaStream_t) noexcept {
  if (block == nullptr) return true;
  try {
    std::uint64_t bytes = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = blocks_.find(block);
      if (found == blocks_.end()) return false;
      bytes = found->second;
      usedBytes_ -= bytes;
      blocks_.erase(found);
    }
    gpu_.free(block);
    budget_.release(bytes);
    return true;
  } catch (...) {
    return false;
  }
}

std::uint64_t Allocator::usedBytes() const {
  const std::lock_guard lock(mutex_);
  return usedBytes_;
}

std::optional<Allocator::Denial> Allocator::denial() const {
  const std::lock_guard lock(mutex_);
  return denial_;
}

void Allocator::clearDenial() {
  const std::lock_guard lock(mutex_);
  denial_.reset();
}

void Allocator::deny(std::uint64_t bytesAsked, std::uint64_t bytesFree) {
  const std::lock_guard lock(mutex_);
  denial_ = {bytesAsked, bytesFree};
}

void Allocator::detach() {
  const std::lock_guard lock(mutex_);
  blocks_.clear();
  if (usedBytes_ != 0) budget_.release(usedBytes_);
  usedBytes_ = 0;
}

}  // namespace lc::trt
