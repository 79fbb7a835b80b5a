// Host memory that the device copies from and to.
#pragma once

#include <cstdint>
#include <map>

#include "tensorrt/gpu.h"

namespace lc::trt {

class Staging {
 public:
  explicit Staging(Gpu& gpu) : gpu_(gpu) {}
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  struct Block {
    void* address;
    // Copies of pageable memory are correct, but wait for each other.
    bool isPageLocked;
  };
  // Page-locked unless the system refuses that. Throws LC_HOST_MEMORY.
  Block allocate(std::uint64_t bytes);
  void free(void* address) noexcept;

 private:
  void release(const Block& block) noexcept;

  Gpu& gpu_;
  std::map<void*, Block> blocks_;
};

}  // namespace lc::trt
