#include "tensorrt/staging.h"

#include <new>

namespace lc::trt {
namespace {

constexpr std::align_val_t kAlignment{LC_ALIGNMENT};

Staging::Block take(Gpu& gpu, std::uint64_t bytes) {
  void* address = nullptr;
  if (gpu.succeeded(gpu.call().cudaHostAlloc(&address, bytes, cuda::kHostAllocDefault)))
    return {address, true};
  gpu.requireAlive();
  return {::operator new(bytes, kAlignment), false};
}

}  // namespace

Staging::~Staging() {
  for (const auto& [address, block] : blocks_) release(block);
}

Staging::Block Staging::allocate(std::uint64_t bytes) {
  const Block block = take(gpu_, bytes);
  try {
    blocks_.emplace(block.address, block);
  } catch (...) {
    release(block);
    throw;
  }
  return block;
}

void Staging::free(void* address) noexcept {
  const auto found = blocks_.find(address);
  if (found == blocks_.end()) return;
  release(found->second);
  blocks_.erase(found);
}

void Staging::release(const Block& block) noexcept {
  if (!block.isPageLocked) {
    ::operator delete(block.address, kAlignment);
  } else if (!gpu_.lost()) {
    gpu_.succeeded(gpu_.call().cudaFreeHost(block.address));
  }
}

}  // namespace lc::trt
