// An open device: what its owner has allocated, and the runs in flight.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/lc_backend.h"
#include "sim/plan.h"
#include "sim/world.h"

namespace lc::sim {

// One thread at a time. Functions throw Failure, LC_DEVICE_LOST among others, unless they say otherwise.
class Device {
 public:
  Device(World& world, std::uint32_t slots, const lc_host& host);
  // Gives back what is left, and what has leaked.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void* allocateBlock(std::uint64_t bytes);
  void freeBlock(void* block) noexcept;
  void* allocateStaging(std::uint64_t bytes);
  void freeStaging(void* block) noexcept;
  // Weights are asked of the host's budget first.
  void* takeWeights(std::uint64_t bytes);
  void dropWeights(void* block, std::uint64_t bytes) noexcept;

  lc_run_memory memoryFor(const Plan& plan, const lc_shape& shape);
  void submit(const Plan& plan, const lc_run& run);
  void finish(std::uint32_t slot);

 private:
  struct Slot {
    bool isRunning = false;
    double seconds = 0;
    World::Clock::time_point end;
    std::vector<float> moments;
    void* output = nullptr;
  };

  Slot& slotAt(std::uint32_t index);
  void requireMemory(const lc_run& run, const lc_run_memory& needed) const;
  bool holds(const void* address, std::uint64_t bytes) const;
  double secondsOf(const Plan& plan, const lc_shape& shape) const;
  void compute(const Plan& plan, const lc_run& run, std::vector<float>& moments) const;

  World& world_;
  const lc_host host_;
  std::vector<Slot> slots_;
  std::map<void*, std::uint64_t> blocks_;
  std::vector<std::pair<void*, std::uint64_t>> leaked_;
  std::map<void*, std::unique_ptr<std::uint8_t[]>> staging_;
};

}  // namespace lc::sim
