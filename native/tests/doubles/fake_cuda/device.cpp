// Versions, devices and errors.
#include <cstring>
#include <string>

#include "fake_cuda/world.h"

using namespace fake;

extern "C" {

int cudaRuntimeGetVersion(int* version) {
  *version = world().options.runtime_version;
  return kSuccess;
}

int cudaDriverGetVersion(int* version) {
  *version = world().options.driver_version;
  return kSuccess;
}

int cudaGetDeviceCount(int* count) {
  const lc_fake_cuda_options& options = world().options;
  if (options.driver_version < options.runtime_version) return remember(kInsufficientDriver);
  if (options.devices == 0) return remember(kNoDevice);
  *count = options.devices;
  return begin();
}

int cudaSetDevice(int device) {
  if (const int code = begin()) return code;
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  currentDevice = device;
  return kSuccess;
}

int cudaGetDevice(int* device) {
  *device = currentDevice;
  return begin();
}

int cudaDeviceGetAttribute(int* value, int attribute, int device) {
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  // a card of compute capability 8.6 with 28 multiprocessors; the rest is any number
  *value = attribute == 75 ? 8 : attribute == 76 ? 6 : attribute == 16 ? 28 : 100 + attribute;
  return begin();
}

int cudaDeviceGetPCIBusId(char* text, int size, int device) {
  const std::string id = "0000:0" + std::to_string(device) + ":00.0";
  std::strncpy(text, id.c_str(), static_cast<std::size_t>(size));
  return begin();
}

// The name first, and the bytes of the card where struct cudaDeviceProp has them.
int cudaGetDeviceProperties(void* properties, int device) {
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  auto* bytes = static_cast<char*>(properties);
  std::strcpy(bytes, "Simulated GPU");
  const std::uint64_t total = world().options.capacity;
  std::memcpy(bytes + 288, &total, sizeof total);
  return begin();
}

// A loss is remembered for ever.
int cudaGetLastError() {
  const int last = lastError;
  if (!world().lost) lastError = kSuccess;
  return last;
}

const char* cudaGetErrorName(int code) {
  switch (code) {
    case kMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case kInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case kNoDevice:
      return "cudaErrorNoDevice";
    case kInvalidDevice:
      return "cudaErrorInvalidDevice";
    case kLost:
      return "cudaErrorLaunchFailure";
    case kUnknown:
      return "cudaErrorUnknown";
    default:
      return "cudaErrorInvalidValue";
  }
}

const char* cudaGetErrorString(int code) {
  return cudaGetErrorName(code);
}

}  // extern "C"
