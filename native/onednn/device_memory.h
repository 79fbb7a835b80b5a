// Memory of the process within a device's budget.
#pragma once

#include <cstdint>
#include <utility>

#include "core/lc_backend.h"
#include "onednn/host_memory.h"
#include "plugin/failure.h"

namespace lc::onednn {

class DeviceMemory {
 public:
  // Pages that are given back, and the bytes of the budget with them.
  class Block {
   public:
    Block() = default;
    Block(DeviceMemory& memory, void* data, std::uint64_t bytes)
        : memory_(&memory), data_(data), bytes_(bytes) {}
    Block(Block&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), data_(other.data_), bytes_(other.bytes_) {}
    Block& operator=(Block&& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(data_, other.data_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Block() {
      if (memory_ == nullptr) return;
      unmapPages(data_, bytes_);
      memory_->host_.release(memory_->host_.self, bytes_);
    }
    void* data() const { return data_; }

   private:
    DeviceMemory* memory_ = nullptr;
    void* data_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  explicit DeviceMemory(const lc_host& host) : host_(host) {}

  // Throws Failure (LC_OUT_OF_MEMORY): the budget refuses, or the machine has less than that.
  Block allocate(std::uint64_t bytes) {
    std::uint64_t available = 0;
    if (host_.reserve(host_.self, bytes, &available) == 0) {
      throw plugin::Failure::outOfMemory("reserve", bytes, available);
    }
    try {
      return {*this, mapReserved(bytes), bytes};
    } catch (...) {
      host_.release(host_.self, bytes);
      throw;
    }
  }

  // For bytes that are reserved already. Refuses what the machine has not got: Linux would promise it, and
  // end the process when it is touched.
  static void* mapReserved(std::uint64_t bytes) {
    const std::uint64_t available = memoryInfo().freeBytes;
    if (bytes > available) throw plugin::Failure::outOfMemory("mmap", bytes, available);
    return mapPages(bytes);
  }

 private:
  const lc_host host_;
};

}  // namespace lc::onednn
