// The part of libcudart that the tests ask.
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

int cleared = 0;

}  // namespace

extern "C" {

int cudaRuntimeGetVersion(int* version) {
  *version = LC_RUNTIME_VERSION;
  return 0;
}

int cudaDriverGetVersion(int* version) {
  *version = LC_DRIVER_VERSION;
  return 0;
}

int cudaGetDeviceCount(int* count) {
  *count = LC_COUNT_CODE == 0 ? 1 : 0;
  return LC_COUNT_CODE;
}

int cudaGetLastError() {
  ++cleared;
  return 0;
}

const char* cudaGetErrorName(int) {
  return "cudaErrorName";
}

const char* cudaGetErrorString(int) {
  return "what it means";
}

// Each attribute has its own number as value.
int cudaDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute;
  return 0;
}

int cudaDeviceGetPCIBusId(char* text, int length, int) {
  std::strncpy(text, "0000:01:00.0", static_cast<std::size_t>(length));
  return 0;
}

// struct cudaDeviceProp: 256 bytes of name, 28 of ids and 4 of padding, then the bytes of the device.
int cudaGetDeviceProperties(void* properties, int) {
  const std::uint64_t total = 25'393'692'672;  // of a card that is sold with 24 GiB
  std::strcpy(static_cast<char*>(properties), "A stand-in");
  std::memcpy(static_cast<char*>(properties) + 256 + 28 + 4, &total, sizeof total);
  return 0;
}

// For the tests: how often cudaGetLastError was called.
int standInCleared() {
  return cleared;
}
}
