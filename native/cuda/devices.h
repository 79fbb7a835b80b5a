// What CUDA says about its devices.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/runtime.h"

namespace lc::cuda {

// cudaDeviceAttr
enum Attribute : int {
  kMaxSharedMemoryPerBlock = 8,
  kTextureAlignment = 14,
  kMultiprocessorCount = 16,
  kIntegrated = 18,
  kEccEnabled = 32,
  kMemoryBusWidth = 37,
  kL2CacheSize = 38,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kMaxSharedMemoryPerMultiprocessor = 81,
  kMaxSharedMemoryPerBlockOptin = 97,
};

// Where struct cudaDeviceProp holds totalGlobalMem, in every version from 10 on. cudaMemGetInfo would tell it
// too, but makes a context on the device first, which costs hundreds of megabytes of its memory.
inline constexpr std::size_t kTotalBytesOffset = 288;

struct Device {
  int index = 0;
  std::string name;
  std::string pciBusId;  // "0000:01:00.0"
  std::array<int, 2> computeCapability{};
  int multiprocessors = 0;
  std::uint64_t totalBytes = 0;
  // Everything that a compiled engine depends on: "cc=8.6 sm=28 bus=192 l2=2359296 ...". Equal for devices
  // that can share an engine.
  std::string attributes;
};

// Makes no context on any device. Throws Error.
std::vector<Device> listDevices(const Runtime& runtime);

// Bytes of the whole device, other processes included.
struct MemoryInfo {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// Makes `device` the current one of the calling thread, as CUDA has no other way to ask. Throws Error;
// kNoDevice for a number that no device has.
MemoryInfo memoryInfo(const Runtime& runtime, int device);

}  // namespace lc::cuda
