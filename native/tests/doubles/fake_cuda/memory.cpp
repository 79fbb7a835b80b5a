// Device memory and page-locked memory, both of the heap and poisoned; copies.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "fake_cuda/world.h"

using namespace fake;

namespace {

constexpr std::uint64_t kGranule = 512;
constexpr unsigned char kPoison = 0xA5;

unsigned char* allocateIn(Blocks& blocks, std::uint64_t bytes) {
  const std::uint64_t rounded = (bytes + kGranule - 1) / kGranule * kGranule;
  auto* block = static_cast<unsigned char*>(std::aligned_alloc(kGranule, rounded));
  std::memset(block, kPoison, rounded);
  blocks[block] = {bytes, rounded, currentDevice};
  return block;
}

int freeIn(Blocks& blocks, void* memory) {
  const auto known = blocks.find(static_cast<unsigned char*>(memory));
  if (known == blocks.end()) return misused();
  std::memset(memory, kPoison, known->second.rounded);
  blocks.erase(known);
  std::free(memory);
  return kSuccess;
}

}  // namespace

extern "C" {

int cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  *free = w.options.capacity - std::min(w.options.capacity, sizeOn(currentDevice));
  *total = w.options.capacity;
  return kSuccess;
}

int cudaMalloc(void** memory, std::size_t bytes) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  const bool fits = sizeOn(currentDevice) + bytes <= w.options.capacity || w.options.spills != 0;
  if (++w.mallocs == w.options.fail_malloc_at || !fits) return remember(kMemoryAllocation);
  *memory = bytes == 0 ? nullptr : allocateIn(w.device, bytes);
  return kSuccess;
}

int cudaFree(void* memory) {
  if (const int code = begin(Purpose::kRelease)) return code;
  if (memory == nullptr) return kSuccess;
  waitForDevices();
  const std::lock_guard lock(world().mutex);
  return freeIn(world().device, memory);
}

int cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.options.fail_host_alloc != 0) return remember(kMemoryAllocation);
  *memory = allocateIn(w.host, bytes);
  return kSuccess;
}

int cudaFreeHost(void* memory) {
  if (const int code = begin(Purpose::kRelease)) return code;
  waitForDevices();
  const std::lock_guard lock(world().mutex);
  return freeIn(world().host, memory);
}

int cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, int kind, CUstream_st* stream) {
  if (const int code = begin()) return code;
  const void* onDevice = kind == kHostToDevice ? to : from;
  if (!isKnown(stream) || lc_fake_cuda_is_live(onDevice, bytes) == 0) return misused();
  stream->push([=] {
    std::this_thread::sleep_for(std::chrono::microseconds(world().options.copy_us));
    if (world().lost) return;
    if (lc_fake_cuda_is_live(onDevice, bytes) == 0) {
      ++world().misuse;
      return;
    }
    std::memcpy(to, from, bytes);
  });
  return kSuccess;
}

}  // extern "C"
