// The memory of the runs of one device: a single device block, and staging buffers of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/budget.h"
#include "core/lc_backend.h"

namespace lc::core {

// Bytes of the block that such runs need: activations once, input and output for each slot, each aligned to
// LC_ALIGNMENT. Throws Error (LC_INVALID) when 64 bits do not hold it.
std::uint64_t arenaBytes(const lc_run_memory& memory, std::uint32_t slots);

// [activations | input of slot 0, 1 ... | output of slot 0, 1 ...]. Used by the device's worker thread alone.
class Arena {
 public:
  Arena(const lc_backend& backend, lc_device* device, Budget& budget, std::uint32_t slots);
  ~Arena() { trim(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Whether a run can be placed as the block is divided now.
  bool fits(const lc_run_memory& memory) const;
  // Makes room. Unless it fits() already, nothing may be in flight. Throws Error (LC_OUT_OF_MEMORY with
  // bytes, LC_HOST_MEMORY, LC_DEVICE_LOST); the arena is empty then, and usable.
  void ensure(const lc_run_memory& memory);
  // Sets the addresses of `run.slot`.
  void place(lc_run& run) const;
  std::byte* inputStaging(std::uint32_t slot) const { return inputStaging_[slot]; }
  const std::byte* outputStaging(std::uint32_t slot) const { return outputStaging_[slot]; }
  // Frees all of it; nothing may be in flight.
  void trim();
  // Forgets all of it without a call of the back-end: the device is lost.
  void abandon();
  // Bytes of the device block.
  std::uint64_t bytes() const { return blockBytes_; }

 private:
  void growBlock(std::uint64_t bytes);
  void growStaging(std::vector<std::byte*>& staging, std::uint64_t& capacity, std::uint64_t bytes);
  void freeBlock();
  void freeStaging(std::vector<std::byte*>& staging, std::uint64_t& capacity);

  const lc_backend& backend_;
  lc_device* const device_;
  Budget& budget_;
  const std::uint32_t slots_;
  std::byte* block_ = nullptr;
  std::uint64_t blockBytes_ = 0;
  // How the block is divided: aligned bytes of each part.
  std::uint64_t activationBytes_ = 0;
  std::uint64_t inputBytes_ = 0;
  std::uint64_t outputBytes_ = 0;
  std::vector<std::byte*> inputStaging_;
  std::vector<std::byte*> outputStaging_;
  std::uint64_t inputCapacity_ = 0;
  std::uint64_t outputCapacity_ = 0;
};

}  // namespace lc::core
