#include "cuda/devices.h"

#include <cstring>

namespace lc::cuda {
namespace {

constexpr std::size_t kNameBytes = 256;

class Properties {
 public:
  Properties(const Runtime& runtime, int device) : bytes_(kPropertyBytes) {
    runtime.check(runtime().cudaGetDeviceProperties(bytes_.data(), device), "cudaGetDeviceProperties");
  }

  std::string name() const { return {bytes_.data(), ::strnlen(bytes_.data(), kNameBytes)}; }

  std::uint64_t totalBytes() const {
    std::size_t total = 0;
    std::memcpy(&total, bytes_.data() + kTotalBytesOffset, sizeof total);
    return total;
  }

 private:
  std::vector<char> bytes_;
};

int attributeOf(const Runtime& runtime, int device, Attribute attribute) {
  int value = 0;
  runtime.check(runtime().cudaDeviceGetAttribute(&value, attribute, device), "cudaDeviceGetAttribute");
  return value;
}

// Whole gibibytes: what the driver keeps for itself changes from version to version.
std::uint64_t roundedGibibytes(std::uint64_t bytes) {
  return (bytes + (std::uint64_t{1} << 29)) >> 30;
}

std::string attributesOf(const Runtime& runtime, const Device& device) {
  constexpr std::pair<const char*, Attribute> kKeys[] = {
      {"bus", kMemoryBusWidth},
      {"l2", kL2CacheSize},
      {"smem", kMaxSharedMemoryPerBlock},
      {"smem_optin", kMaxSharedMemoryPerBlockOptin},
      {"smem_sm", kMaxSharedMemoryPerMultiprocessor},
      {"tex", kTextureAlignment},
      {"integrated", kIntegrated},
      {"ecc", kEccEnabled},
  };
  std::string line = "cc=" + std::to_string(device.computeCapability[0]) + "." +
                     std::to_string(device.computeCapability[1]) +
                     " sm=" + std::to_string(device.multiprocessors);
  for (const auto& [key, attribute] : kKeys) {
    line.append(" ").append(key).append("=");
    line += std::to_string(attributeOf(runtime, device.index, attribute));
  }
  return line + " gib=" + std::to_string(roundedGibibytes(device.totalBytes));
}

std::string pciBusIdOf(const Runtime& runtime, int device) {
  std::array<char, 32> text{};
  runtime.check(runtime().cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device),
                "cudaDeviceGetPCIBusId");
  return text.data();
}

}  // namespace

std::vector<Device> listDevices(const Runtime& runtime) {
  std::vector<Device> devices;
  for (int index = 0; index < runtime.deviceCount(); ++index) {
    const Properties properties(runtime, index);
    Device device;
    device.index = index;
    device.name = properties.name();
    device.pciBusId = pciBusIdOf(runtime, index);
    device.computeCapability = {attributeOf(runtime, index, kComputeCapabilityMajor),
                                attributeOf(runtime, index, kComputeCapabilityMinor)};
    device.multiprocessors = attributeOf(runtime, index, kMultiprocessorCount);
    device.totalBytes = properties.totalBytes();
    device.attributes = attributesOf(runtime, device);
    devices.push_back(std::move(device));
  }
  return devices;
}

MemoryInfo memoryInfo(const Runtime& runtime, int device) {
  if (device < 0 || device >= runtime.deviceCount()) {
    throw Error(Problem::kNoDevice, "cudaSetDevice",
                "There is no CUDA device " + std::to_string(device) + "; the last one is " +
                    std::to_string(runtime.deviceCount() - 1));
  }
  runtime.check(runtime().cudaSetDevice(device), "cudaSetDevice");
  std::size_t free = 0;
  std::size_t total = 0;
  runtime.check(runtime().cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return {free, total};
}

}  // namespace lc::cuda
