// NVIDIA's management library with two cards behind it: with LC_NVML_FULL one that reports everything and one
// that refuses, else an old library that has the required functions alone. LC_NVML_INIT_CODE: one that does
// not start.
#include <cstdio>
#include <cstring>

#include "nvml/library.h"

using lc::nvml::Handle;

namespace {

char cards[2];

Handle handleOf(unsigned index) {
  return reinterpret_cast<Handle>(&cards[index]);
}

bool isFirst(Handle handle) {
  return handle == handleOf(0);
}

#ifdef LC_NVML_FULL
int answer(Handle handle, unsigned* value, unsigned reported) {
  if (!isFirst(handle)) return lc::nvml::kNotSupported;
  *value = reported;
  return lc::nvml::kSuccess;
}
#endif

}  // namespace

extern "C" {

int nvmlInit_v2() {
#ifdef LC_NVML_INIT_CODE
  return LC_NVML_INIT_CODE;
#else
  return 0;
#endif
}

const char* nvmlErrorString(int) {
  return "Driver/library version mismatch";
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle* handle) {
  *handle = handleOf(index);
  return 0;
}

int nvmlDeviceGetName(Handle handle, char* name, unsigned room) {
  std::snprintf(name, room, "%s", isFirst(handle) ? "NVIDIA GeForce RTX 3060" : "Tesla T4");
  return 0;
}

int nvmlDeviceGetPciInfo_v3(Handle handle, lc::nvml::PciInfo* info) {
  std::strcpy(info->busId, isFirst(handle) ? "00000000:0A:00.0" : "00010000:0B:00.0");
  return 0;
}

#ifdef LC_NVML_FULL
int nvmlSystemGetDriverVersion(char* text, unsigned room) {
  std::snprintf(text, room, "580.159.04");
  return 0;
}

int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  *version = 13000;
  return 0;
}

int nvmlDeviceGetUUID(Handle handle, char* text, unsigned room) {
  if (!isFirst(handle)) return lc::nvml::kNotSupported;
  std::snprintf(text, room, "GPU-00000000-1111-2222-3333-444444444444");
  return 0;
}

int nvmlDeviceGetMemoryInfo_v2(Handle handle, lc::nvml::MemoryV2* memory) {
  if (!isFirst(handle) || memory->version != lc::nvml::kMemoryV2) return lc::nvml::kNotSupported;
  memory->total = 12884901888;
  memory->free = 11000000000;
  memory->used = 1500000000;
  memory->reserved = 384901888;
  return 0;
}

int nvmlDeviceGetCurrPcieLinkGeneration(Handle handle, unsigned* value) {
  return answer(handle, value, 1);
}
int nvmlDeviceGetMaxPcieLinkGeneration(Handle handle, unsigned* value) {
  return answer(handle, value, 4);
}
int nvmlDeviceGetCurrPcieLinkWidth(Handle handle, unsigned* value) {
  return answer(handle, value, 8);
}
int nvmlDeviceGetMaxPcieLinkWidth(Handle handle, unsigned* value) {
  return answer(handle, value, 16);
}
int nvmlDeviceGetClockInfo(Handle handle, int clock, unsigned* value) {
  return answer(handle, value, clock == lc::nvml::kSmClock ? 1777 : 7501);
}
int nvmlDeviceGetMaxClockInfo(Handle handle, int clock, unsigned* value) {
  return answer(handle, value, clock == lc::nvml::kSmClock ? 2100 : 7600);
}
int nvmlDeviceGetPowerUsage(Handle handle, unsigned* value) {
  return answer(handle, value, 168500);
}
int nvmlDeviceGetEnforcedPowerLimit(Handle handle, unsigned* value) {
  return answer(handle, value, 170000);
}
int nvmlDeviceGetPowerManagementDefaultLimit(Handle handle, unsigned* value) {
  return answer(handle, value, 171000);
}
int nvmlDeviceGetPowerManagementLimitConstraints(Handle handle, unsigned* minimum, unsigned* maximum) {
  *minimum = 100000;
  return answer(handle, maximum, 212000);
}
int nvmlDeviceGetTotalEnergyConsumption(Handle handle, unsigned long long* value) {
  *value = 9007199254740;
  return isFirst(handle) ? 0 : lc::nvml::kNotSupported;
}
int nvmlDeviceGetTemperature(Handle handle, int, unsigned* value) {
  return answer(handle, value, 71);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(Handle handle, unsigned long long* value) {
  *value = 0x4 | 0x40;
  return isFirst(handle) ? 0 : lc::nvml::kNotSupported;
}
int nvmlDeviceGetUtilizationRates(Handle handle, lc::nvml::Utilization* value) {
  value->memory = 12;
  return answer(handle, &value->gpu, 97);
}
int nvmlDeviceGetEccMode(Handle, int*, int*) {
  return lc::nvml::kNotSupported;
}
int nvmlDeviceGetMigMode(Handle handle, unsigned* now, unsigned* pending) {
  *pending = 1;
  return answer(handle, now, 0);
}
int nvmlDeviceGetPersistenceMode(Handle handle, int* value) {
  *value = 1;
  return isFirst(handle) ? 0 : lc::nvml::kNotSupported;
}
int nvmlDeviceGetDisplayActive(Handle handle, int* value) {
  *value = 0;
  return isFirst(handle) ? 0 : lc::nvml::kNotSupported;
}

// As the driver does: with too little room it says how much is needed.
int nvmlDeviceGetComputeRunningProcesses_v3(Handle handle, unsigned* count, lc::nvml::ProcessInfo* found) {
  if (!isFirst(handle)) return lc::nvml::kNotSupported;
  const unsigned room = *count;
  *count = 2;
  if (room < 2) return lc::nvml::kInsufficientSize;
  found[0] = {4242, 1400000000, 0, 0};
  found[1] = {4243, lc::nvml::kNotAvailable, 0, 0};
  return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(Handle handle, unsigned* count, lc::nvml::ProcessInfo*) {
  if (!isFirst(handle)) return lc::nvml::kNotSupported;
  *count = 0;
  return 0;
}
#endif

}  // extern "C"
