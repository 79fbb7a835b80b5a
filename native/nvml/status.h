// What NVML says about its cards. Makes no CUDA context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nvml/library.h"

namespace lc::nvml {

struct Process {
  unsigned pid = 0;
  bool isGraphics = false;
  std::optional<std::uint64_t> usedBytes;
};

// Empty: this card or driver does not report it. Fields as NvmlDevice of src/native/binding.ts has them.
struct Device {
  unsigned index = 0;
  std::string name;
  std::optional<std::string> uuid;
  std::string pciBusId;  // "0000:01:00.0", as CUDA writes it
  std::optional<std::uint64_t> totalBytes;
  std::optional<std::uint64_t> freeBytes;
  std::optional<std::uint64_t> usedBytes;
  std::optional<std::uint64_t> reservedBytes;
  std::optional<std::uint64_t> pcieGeneration;
  std::optional<std::uint64_t> pcieGenerationMax;
  std::optional<std::uint64_t> pcieWidth;
  std::optional<std::uint64_t> pcieWidthMax;
  std::optional<std::uint64_t> smClockMhz;
  std::optional<std::uint64_t> smClockMaxMhz;
  std::optional<std::uint64_t> memoryClockMhz;
  std::optional<std::uint64_t> memoryClockMaxMhz;
  std::optional<std::uint64_t> powerMilliwatts;
  std::optional<std::uint64_t> powerLimitMilliwatts;
  std::optional<std::uint64_t> powerLimitDefaultMilliwatts;
  std::optional<std::uint64_t> powerLimitMaxMilliwatts;
  std::optional<std::uint64_t> energyMillijoules;
  std::optional<std::uint64_t> temperatureCelsius;
  std::optional<std::vector<std::string>> throttleReasons;
  std::optional<std::uint64_t> utilizationPercent;
  std::optional<bool> eccEnabled;
  std::optional<bool> migEnabled;
  std::optional<bool> persistenceEnabled;
  std::optional<bool> displayActive;
  std::optional<std::vector<Process>> processes;
};

struct Status {
  std::string libraryPath;
  std::optional<std::string> driverVersion;
  std::optional<std::uint64_t> cudaVersion;  // 13000 is 13.0
  std::vector<Device> devices;
};

// Throws Error when the library does not even name its cards.
Status readStatus(const Library& library);

}  // namespace lc::nvml
