#include "nvml/status.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace lc::nvml {
namespace {

using Number = std::optional<std::uint64_t>;

// Longer than every text that nvml.h has a limit for.
using Text = std::array<char, 256>;

std::string toString(const Text& text) {
  return {text.data(), ::strnlen(text.data(), text.size())};
}

// The value that `function(arguments..., &value)` writes; empty when it is not there or refuses.
template <typename Value, typename... Parameters, typename... Arguments>
std::optional<Value> ask(int (*function)(Parameters...), Arguments... arguments) {
  Value value{};
  if (function == nullptr || function(arguments..., &value) != kSuccess) return std::nullopt;
  return value;
}

template <typename... Parameters, typename... Arguments>
Number askNumber(int (*function)(Parameters...), Arguments... arguments) {
  const std::optional<unsigned> value = ask<unsigned>(function, arguments...);
  return value ? Number(*value) : std::nullopt;
}

std::optional<bool> askSwitch(int (*function)(Handle, int*), Handle handle) {
  const std::optional<int> value = ask<int>(function, handle);
  return value ? std::optional(*value != 0) : std::nullopt;
}

template <typename... Parameters, typename... Arguments>
std::optional<std::string> askText(int (*function)(Parameters...), Arguments... arguments) {
  Text text{};
  if (function == nullptr || function(arguments..., text.data(), text.size()) != kSuccess)
    return std::nullopt;
  return toString(text);
}

// NVML writes eight digits of the domain and capital letters, CUDA four and small ones.
std::string cudaBusId(const PciInfo& info) {
  std::string id(info.busId, ::strnlen(info.busId, sizeof info.busId));
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  const bool hasLongDomain = id.find(':') == 8 && id.starts_with("0000");
  return hasLongDomain ? id.substr(4) : id;
}

void readMemory(const Functions& functions, Handle handle, Device& device) {
  MemoryV2 memory{};
  memory.version = kMemoryV2;
  const auto function = functions.nvmlDeviceGetMemoryInfo_v2;
  if (function == nullptr || function(handle, &memory) != kSuccess) return;
  device.totalBytes = memory.total;
  device.freeBytes = memory.free;
  device.usedBytes = memory.used;
  device.reservedBytes = memory.reserved;
}

// The bits nvmlClocksThrottleReason…
std::vector<std::string> reasonsOf(unsigned long long bits) {
  constexpr std::array kReasons = {
      "idle",          "application-clocks", "power-cap",        "hardware-slowdown",
      "sync-boost",    "software-thermal",   "hardware-thermal", "power-brake",
      "display-clocks"};
  std::vector<std::string> reasons;
  for (std::size_t bit = 0; bit < kReasons.size(); ++bit) {
    if ((bits >> bit & 1) != 0) reasons.emplace_back(kReasons[bit]);
  }
  return reasons;
}

using ListProcesses = int (*)(Handle, unsigned*, ProcessInfo*);

// Adds them to `processes`; false when the card does not tell.
bool addProcesses(ListProcesses function, Handle handle, bool isGraphics, std::vector<Process>& processes) {
  if (function == nullptr) return false;
  // Others start meanwhile: some room more than there are now.
  constexpr unsigned kRoom = 64;
  unsigned count = 0;
  const int code = function(handle, &count, nullptr);
  if (code != kSuccess && code != kInsufficientSize) return false;
  count += kRoom;
  std::vector<ProcessInfo> found(count);
  if (function(handle, &count, found.data()) != kSuccess) return false;
  found.resize(std::min<std::size_t>(count, found.size()));
  for (const ProcessInfo& info : found) {
    const bool isKnown = info.usedBytes != kNotAvailable;
    processes.push_back({info.pid, isGraphics, isKnown ? Number(info.usedBytes) : std::nullopt});
  }
  return true;
}

void readProcesses(const Functions& functions, Handle handle, Device& device) {
  std::vector<Process> processes;
  const bool compute =
      addProcesses(functions.nvmlDeviceGetComputeRunningProcesses_v3, handle, false, processes);
  const bool graphics =
      addProcesses(functions.nvmlDeviceGetGraphicsRunningProcesses_v3, handle, true, processes);
  if (compute || graphics) device.processes = std::move(processes);
}

void readPower(const Functions& functions, Handle handle, Device& device) {
  device.powerMilliwatts = askNumber(functions.nvmlDeviceGetPowerUsage, handle);
  device.powerLimitMilliwatts = askNumber(functions.nvmlDeviceGetEnforcedPowerLimit, handle);
  device.powerLimitDefaultMilliwatts = askNumber(functions.nvmlDeviceGetPowerManagementDefaultLimit, handle);
  unsigned minimum = 0;
  device.powerLimitMaxMilliwatts =
      askNumber(functions.nvmlDeviceGetPowerManagementLimitConstraints, handle, &minimum);
  const auto energy = ask<unsigned long long>(functions.nvmlDeviceGetTotalEnergyConsumption, handle);
  if (energy) device.energyMillijoules = *energy;
}

void readClocks(const Functions& functions, Handle handle, Device& device) {
  device.smClockMhz = askNumber(functions.nvmlDeviceGetClockInfo, handle, kSmClock);
  device.smClockMaxMhz = askNumber(functions.nvmlDeviceGetMaxClockInfo, handle, kSmClock);
  device.memoryClockMhz = askNumber(functions.nvmlDeviceGetClockInfo, handle, kMemoryClock);
  device.memoryClockMaxMhz = askNumber(functions.nvmlDeviceGetMaxClockInfo, handle, kMemoryClock);
  // The new name and, for drivers before 535, the old one.
  auto reasons = ask<unsigned long long>(functions.nvmlDeviceGetCurrentClocksEventReasons, handle);
  if (!reasons)
    reasons = ask<unsigned long long>(functions.nvmlDeviceGetCurrentClocksThrottleReasons, handle);
  if (reasons) device.throttleReasons = reasonsOf(*reasons);
}

void readModes(const Functions& functions, Handle handle, Device& device) {
  // Both also tell the mode after the next restart.
  int ecc = 0;
  int pendingEcc = 0;
  if (functions.nvmlDeviceGetEccMode != nullptr &&
      functions.nvmlDeviceGetEccMode(handle, &ecc, &pendingEcc) == kSuccess) {
    device.eccEnabled = ecc != 0;
  }
  unsigned mig = 0;
  unsigned pendingMig = 0;
  if (functions.nvmlDeviceGetMigMode != nullptr &&
      functions.nvmlDeviceGetMigMode(handle, &mig, &pendingMig) == kSuccess) {
    device.migEnabled = mig != 0;
  }
  device.persistenceEnabled = askSwitch(functions.nvmlDeviceGetPersistenceMode, handle);
  device.displayActive = askSwitch(functions.nvmlDeviceGetDisplayActive, handle);
}

Device readDevice(const Library& library, unsigned index) {
  const Functions& functions = library();
  Handle handle = nullptr;
  library.check(functions.nvmlDeviceGetHandleByIndex_v2(index, &handle), "nvmlDeviceGetHandleByIndex_v2");
  Device device;
  device.index = index;
  Text name{};
  library.check(functions.nvmlDeviceGetName(handle, name.data(), name.size()), "nvmlDeviceGetName");
  device.name = toString(name);
  PciInfo pci{};
  library.check(functions.nvmlDeviceGetPciInfo_v3(handle, &pci), "nvmlDeviceGetPciInfo_v3");
  device.pciBusId = cudaBusId(pci);
  device.uuid = askText(functions.nvmlDeviceGetUUID, handle);
  readMemory(functions, handle, device);
  device.pcieGeneration = askNumber(functions.nvmlDeviceGetCurrPcieLinkGeneration, handle);
  device.pcieGenerationMax = askNumber(functions.nvmlDeviceGetMaxPcieLinkGeneration, handle);
  device.pcieWidth = askNumber(functions.nvmlDeviceGetCurrPcieLinkWidth, handle);
  device.pcieWidthMax = askNumber(functions.nvmlDeviceGetMaxPcieLinkWidth, handle);
  readClocks(functions, handle, device);
  readPower(functions, handle, device);
  device.temperatureCelsius = askNumber(functions.nvmlDeviceGetTemperature, handle, kGpuTemperature);
  if (const auto utilization = ask<Utilization>(functions.nvmlDeviceGetUtilizationRates, handle)) {
    device.utilizationPercent = utilization->gpu;
  }
  readModes(functions, handle, device);
  readProcesses(functions, handle, device);
  return device;
}

}  // namespace

Status readStatus(const Library& library) {
  const Functions& functions = library();
  Status status;
  status.libraryPath = library.path();
  status.driverVersion = askText(functions.nvmlSystemGetDriverVersion);
  if (const auto version = ask<int>(functions.nvmlSystemGetCudaDriverVersion_v2); version && *version > 0) {
    status.cudaVersion = static_cast<std::uint64_t>(*version);
  }
  unsigned count = 0;
  library.check(functions.nvmlDeviceGetCount_v2(&count), "nvmlDeviceGetCount_v2");
  for (unsigned index = 0; index < count; ++index) status.devices.push_back(readDevice(library, index));
  return status;
}

}  // namespace lc::nvml
