// NVIDIA's management library, opened at run time: nothing here needs NVIDIA's headers or libraries to
// compile or to load. The signatures are those of nvml.h; where that header is at hand, header_check.cpp
// compares each of them with it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

// The opaque type behind nvmlDevice_t.
struct nvmlDevice_st;

namespace lc::nvml {

using Handle = nvmlDevice_st*;

// nvmlReturn_t
enum Code : int { kSuccess = 0, kNotSupported = 3, kInsufficientSize = 7 };

// nvmlPciInfo_t
struct PciInfo {
  char legacyBusId[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned deviceId;
  unsigned subsystemId;
  char busId[32];
};

// nvmlMemory_v2_t
struct MemoryV2 {
  unsigned version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
};
inline constexpr unsigned kMemoryV2 = sizeof(MemoryV2) | 2u << 24;  // NVML_STRUCT_VERSION(Memory, 2)

// nvmlUtilization_t
struct Utilization {
  unsigned gpu;
  unsigned memory;
};

// nvmlProcessInfo_v2_t, which the functions with _v3 fill
struct ProcessInfo {
  unsigned pid;
  unsigned long long usedBytes;
  unsigned gpuInstance;
  unsigned computeInstance;
};
inline constexpr unsigned long long kNotAvailable = ~0ULL;  // NVML_VALUE_NOT_AVAILABLE

// nvmlClockType_t, nvmlTemperatureSensors_t
enum Clock : int { kSmClock = 1, kMemoryClock = 2 };
inline constexpr int kGpuTemperature = 0;

// Name, parameters; all return nvmlReturn_t. Without these there is no answer at all.
#define LC_NVML_REQUIRED(X)                             \
  X(nvmlInit_v2, ())                                    \
  X(nvmlDeviceGetCount_v2, (unsigned*))                 \
  X(nvmlDeviceGetHandleByIndex_v2, (unsigned, Handle*)) \
  X(nvmlDeviceGetName, (Handle, char*, unsigned))       \
  X(nvmlDeviceGetPciInfo_v3, (Handle, PciInfo*))
// The others may be missing from an older driver: what they would tell is then unknown.
#define LC_NVML_OPTIONAL(X)                                                       \
  X(nvmlSystemGetDriverVersion, (char*, unsigned))                                \
  X(nvmlSystemGetCudaDriverVersion_v2, (int*))                                    \
  X(nvmlDeviceGetUUID, (Handle, char*, unsigned))                                 \
  X(nvmlDeviceGetMemoryInfo_v2, (Handle, MemoryV2*))                              \
  X(nvmlDeviceGetCurrPcieLinkGeneration, (Handle, unsigned*))                     \
  X(nvmlDeviceGetMaxPcieLinkGeneration, (Handle, unsigned*))                      \
  X(nvmlDeviceGetCurrPcieLinkWidth, (Handle, unsigned*))                          \
  X(nvmlDeviceGetMaxPcieLinkWidth, (Handle, unsigned*))                           \
  X(nvmlDeviceGetClockInfo, (Handle, int, unsigned*))                             \
  X(nvmlDeviceGetMaxClockInfo, (Handle, int, unsigned*))                          \
  X(nvmlDeviceGetPowerUsage, (Handle, unsigned*))                                 \
  X(nvmlDeviceGetEnforcedPowerLimit, (Handle, unsigned*))                         \
  X(nvmlDeviceGetPowerManagementDefaultLimit, (Handle, unsigned*))                \
  X(nvmlDeviceGetPowerManagementLimitConstraints, (Handle, unsigned*, unsigned*)) \
  X(nvmlDeviceGetTotalEnergyConsumption, (Handle, unsigned long long*))           \
  X(nvmlDeviceGetTemperature, (Handle, int, unsigned*))                           \
  X(nvmlDeviceGetCurrentClocksEventReasons, (Handle, unsigned long long*))        \
  X(nvmlDeviceGetCurrentClocksThrottleReasons, (Handle, unsigned long long*))     \
  X(nvmlDeviceGetUtilizationRates, (Handle, Utilization*))                        \
  X(nvmlDeviceGetEccMode, (Handle, int*, int*))                                   \
  X(nvmlDeviceGetMigMode, (Handle, unsigned*, unsigned*))                         \
  X(nvmlDeviceGetPersistenceMode, (Handle, int*))                                 \
  X(nvmlDeviceGetDisplayActive, (Handle, int*))                                   \
  X(nvmlDeviceGetComputeRunningProcesses_v3, (Handle, unsigned*, ProcessInfo*))   \
  X(nvmlDeviceGetGraphicsRunningProcesses_v3, (Handle, unsigned*, ProcessInfo*))

struct Functions {
#define LC_NVML_MEMBER(name, parameters) int(*name) parameters = nullptr;
  LC_NVML_REQUIRED(LC_NVML_MEMBER)
  LC_NVML_OPTIONAL(LC_NVML_MEMBER)
#undef LC_NVML_MEMBER
  const char* (*nvmlErrorString)(int) = nullptr;
};

class Error : public std::runtime_error {
 public:
  Error(std::string operation, const std::string& message)
      : std::runtime_error(message), operation_(std::move(operation)) {}
  const std::string& operation() const { return operation_; }

 private:
  std::string operation_;
};

// The library, initialised and never closed again.
class Library {
 public:
  // Looks for libnvidia-ml.so.1 in each folder, then where the loader looks, then where WSL and containers
  // have the driver. The first that starts is kept for the process. Throws Error; a later call tries again.
  static const Library& load(const std::vector<std::string>& folders);

  const Functions& operator()() const { return functions_; }
  const std::string& path() const { return path_; }
  // Throws Error when code is not kSuccess.
  void check(int code, const char* operation) const;

 private:
  bool open(const std::string& candidate, std::string& reason);

  Functions functions_;
  std::string path_;
};

}  // namespace lc::nvml
