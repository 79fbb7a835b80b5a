// What all functions of the fake CUDA runtime share.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/runtime.h"
#include "fake_cuda.h"
#include "fake_cuda/stream.h"

namespace fake {

using namespace lc::cuda;

constexpr int kInvalidValue = 1;
constexpr int kLost = 719;     // cudaErrorLaunchFailure
constexpr int kUnknown = 999;  // cudaErrorUnknown

constexpr lc_fake_cuda_options kDefaults = {std::uint64_t{8} << 30, 1, 13000, 13000, 200, 0, 0, 0, 0, 0};

struct Block {
  std::uint64_t bytes;    // asked
  std::uint64_t rounded;  // of the capacity
  int device;
};
using Blocks = std::map<const unsigned char*, Block>;

struct World {
  std::mutex mutex;
  lc_fake_cuda_options options = kDefaults;
  Blocks device;
  Blocks host;
  std::map<CUstream_st*, std::unique_ptr<CUstream_st>> streams;
  // Destroyed with work still queued, which is allowed.
  std::vector<std::unique_ptr<CUstream_st>> retired;
  // What is queued keeps the events that it needs.
  std::map<CUevent_st*, std::shared_ptr<CUevent_st>> events;
  std::int64_t mallocs = 0;
  std::int64_t calls = 0;
  std::int64_t callsAfterLoss = 0;
  std::int64_t failIn = 0;
  std::atomic<std::int64_t> launches = 0;
  std::atomic<std::int64_t> misuse = 0;
  std::atomic<bool> lost = false;
  std::atomic<bool> lossIsKnown = false;

  World();
};

// Never destroyed: threads may outlive main().
World& world();

extern thread_local int currentDevice;
extern thread_local int lastError;

// Each returns the code that the call is to answer with.
int remember(int code);
int misused();
int lossIfAny();

enum class Purpose { kUse, kRelease };
// Counts a call. Anything but kSuccess is its answer.
int begin(Purpose purpose = Purpose::kUse);

// As cudaFree and cudaFreeHost do.
void waitForDevices();

// With the world's mutex held:
bool contains(const Blocks& blocks, const void* memory, std::uint64_t bytes);
std::uint64_t sizeOn(int device);

std::shared_ptr<CUevent_st> find(CUevent_st* event);
bool isKnown(CUstream_st* stream);

}  // namespace fake
