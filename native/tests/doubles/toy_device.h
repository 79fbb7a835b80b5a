// A device of the toy back-end: memory with a capacity, and a thread that does the runs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/lc_backend.h"
#include "toy_backend.h"
#include "toy_words.h"

namespace lc::toy {

void misuse(const char* what);
void count(void (*change)(lc_toy_counters& counters, std::uint64_t amount), std::uint64_t amount);
lc_code report(lc_error* error, lc_code code, const char* operation, const char* message);

struct Network {
  lc_shape minimum;
  lc_shape maximum;
  std::uint32_t multiple;  // of both sides
  std::uint32_t stride;
  std::vector<float> bias;  // of each channel
  std::uint64_t weightBytes;
  std::uint64_t activationBytes;  // for each pixel

  std::uint64_t outputFloats(const lc_shape& shape) const {
    return std::uint64_t{shape.count} * bias.size() * (shape.height / stride) * (shape.width / stride);
  }
};

class Device {
 public:
  Device(const lc_host& host, std::uint32_t slots);
  ~Device();

  lc_code allocate(std::uint64_t bytes, void** block, lc_error* error);
  lc_code allocateStaging(std::uint64_t bytes, void** block, lc_error* error);
  void release(void* block);
  // Weights have no address; the budget is asked.
  lc_code takeWeights(std::uint64_t bytes, lc_error* error);
  void dropWeights(std::uint64_t bytes);

  lc_code submit(const Network& network, const lc_run& run, lc_error* error);
  lc_code finish(std::uint32_t slot, lc_error* error);

  // First in every function that is not to be called once the device is known to be lost. `error` is null
  // where none can be answered; the block stays until the device is closed then.
  lc_code enter(const char* function, lc_error* error);
  std::uint64_t engines = 0;

 private:
  struct Run {
    Network network;
    lc_run run;
  };
  struct Slot {
    bool taken = false;
    bool done = false;
  };

  lc_code grant(std::uint64_t bytes, lc_error* error);
  void work();
  bool contains(const void* address, std::uint64_t bytes) const;

  const lc_host host_;
  const Words options_;
  const std::uint64_t capacity_;
  std::uint64_t used_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t stagings_ = 0;
  std::uint64_t submits_ = 0;
  std::map<void*, std::pair<std::uint64_t, bool>> blocks_;  // bytes, and whether it is device memory
  std::thread::id caller_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Run> queue_;
  std::vector<Slot> slots_;
  std::uint64_t runs_ = 0;
  bool lost_ = false;
  bool reported_ = false;  // the caller knows
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace lc::toy
