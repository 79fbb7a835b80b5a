// Compares our declarations of NVML with the header that was found. Compiles or does not; there is nothing to
// run.
#include <nvml.h>

#include <cstddef>
#include <type_traits>

#include "nvml/library.h"

namespace lc::nvml {
namespace {

// NVML's enums and structs, as our table has them.
template <typename Type>
struct Ours {
  using T = std::conditional_t<std::is_enum_v<Type>, int, Type>;
};
template <typename Type>
struct Ours<Type*> {
  using T = std::conditional_t<std::is_enum_v<Type>, int, Type>*;
};
template <>
struct Ours<nvmlPciInfo_t*> {
  using T = PciInfo*;
};
template <>
struct Ours<nvmlMemory_v2_t*> {
  using T = MemoryV2*;
};
template <>
struct Ours<nvmlUtilization_t*> {
  using T = Utilization*;
};
template <>
struct Ours<nvmlProcessInfo_t*> {
  using T = ProcessInfo*;
};

template <typename Function>
struct OurFunction;
template <typename... Parameters>
struct OurFunction<nvmlReturn_t(Parameters...)> {
  using Type = int (*)(typename Ours<Parameters>::T...);
};

#define LC_NVML_COMPARE(name, parameters)                                               \
  static_assert(std::is_same_v<OurFunction<decltype(::name)>::Type, int(*) parameters>, \
                #name " has another signature");
LC_NVML_REQUIRED(LC_NVML_COMPARE)
LC_NVML_OPTIONAL(LC_NVML_COMPARE)
#undef LC_NVML_COMPARE

static_assert(std::is_same_v<Handle, nvmlDevice_t>);
static_assert(sizeof(PciInfo) == sizeof(nvmlPciInfo_t));
static_assert(offsetof(PciInfo, busId) == offsetof(nvmlPciInfo_t, busId));
static_assert(sizeof(MemoryV2) == sizeof(nvmlMemory_v2_t) && kMemoryV2 == nvmlMemory_v2);
static_assert(offsetof(MemoryV2, free) == offsetof(nvmlMemory_v2_t, free));
static_assert(offsetof(MemoryV2, reserved) == offsetof(nvmlMemory_v2_t, reserved));
static_assert(offsetof(MemoryV2, used) == offsetof(nvmlMemory_v2_t, used));
static_assert(sizeof(Utilization) == sizeof(nvmlUtilization_t));
static_assert(sizeof(ProcessInfo) == sizeof(nvmlProcessInfo_t));
static_assert(offsetof(ProcessInfo, usedBytes) == offsetof(nvmlProcessInfo_t, usedGpuMemory));
static_assert(kNotAvailable == static_cast<unsigned long long>(NVML_VALUE_NOT_AVAILABLE));

#define LC_NVML_EQUAL(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
LC_NVML_EQUAL(kSuccess, NVML_SUCCESS);
LC_NVML_EQUAL(kNotSupported, NVML_ERROR_NOT_SUPPORTED);
LC_NVML_EQUAL(kInsufficientSize, NVML_ERROR_INSUFFICIENT_SIZE);
LC_NVML_EQUAL(kSmClock, NVML_CLOCK_SM);
LC_NVML_EQUAL(kMemoryClock, NVML_CLOCK_MEM);
LC_NVML_EQUAL(kGpuTemperature, NVML_TEMPERATURE_GPU);
LC_NVML_EQUAL(1, nvmlClocksThrottleReasonGpuIdle);
LC_NVML_EQUAL(1 << 1, nvmlClocksThrottleReasonApplicationsClocksSetting);
LC_NVML_EQUAL(1 << 2, nvmlClocksThrottleReasonSwPowerCap);
LC_NVML_EQUAL(1 << 3, nvmlClocksThrottleReasonHwSlowdown);
LC_NVML_EQUAL(1 << 4, nvmlClocksThrottleReasonSyncBoost);
LC_NVML_EQUAL(1 << 5, nvmlClocksThrottleReasonSwThermalSlowdown);
LC_NVML_EQUAL(1 << 6, nvmlClocksThrottleReasonHwThermalSlowdown);
LC_NVML_EQUAL(1 << 7, nvmlClocksThrottleReasonHwPowerBrakeSlowdown);
LC_NVML_EQUAL(1 << 8, nvmlClocksThrottleReasonDisplayClockSetting);
#undef LC_NVML_EQUAL

}  // namespace
}  // namespace lc::nvml
