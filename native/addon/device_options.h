// The objects that device functions take and give, between JS and the core.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "core/device_worker.h"

namespace lc::addon {

// Images on one side of a batch, or of a count, never exceed these.
inline constexpr std::int32_t kMaxImages = 1 << 16;
inline constexpr std::int32_t kMaxImageSide = 1 << 16;
inline constexpr std::int32_t kMaxDevices = 1 << 10;
inline constexpr std::int32_t kMaxSlots = 16;

// Each throws ERR_ARGUMENT with the name, the expected and the got.
std::uint32_t deviceOption(const Napi::Object& options);
lc_shape shapeOf(const Napi::Object& shape);

Napi::Object toJs(Napi::Env env, const lc_shape& shape);
Napi::Object toJs(Napi::Env env, const core::EngineInfo& engine);
Napi::Object toJs(Napi::Env env, const core::RunMemory& memory);
Napi::Object toJs(Napi::Env env, const core::DeviceCounters& counters);

}  // namespace lc::addon
