// The objects that device functions take and give, between JS and the core.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/device_worker.h"

namespace lc::addon {

// Beyond what any device or engine takes, and small enough that no product of them overflows 64 bits.
inline constexpr std::int32_t kMaxImages = 1 << 16;
inline constexpr std::int32_t kMaxImageSide = 1 << 16;
inline constexpr std::int32_t kMaxDevices = 1 << 10;
inline constexpr std::int32_t kMaxSlots = 16;
inline constexpr std::int32_t kMaxThreads = 1 << 10;
inline constexpr std::int32_t kMaxProcessors = 1 << 16;

// A plug-in, where the libraries that it needs may be, and how it is to be set up.
struct BackendLocation {
  std::string plugin;
  std::vector<std::string> libraryFolders;
  std::string settings;

  // Loads libraries: not on the JS thread. Throws core::Error.
  std::shared_ptr<core::Context> open() const {
    return core::Context::open(plugin, libraryFolders, settings);
  }
};

// Each throws ERR_ARGUMENT with the name, the expected and the got.
BackendLocation backendOption(const Napi::Object& options);
std::uint32_t deviceOption(const Napi::Object& options);
// 1 when there are none.
std::uint32_t threadsOption(const Napi::Object& options);
// Empty when there are none.
std::vector<std::uint32_t> processorsOption(const Napi::Object& options);
lc_precision precisionArgument(const Napi::CallbackInfo& info, std::size_t index);
lc_shape shapeOf(const Napi::Object& shape);

Napi::Object toJs(Napi::Env env, const lc_shape& shape);
Napi::Object toJs(Napi::Env env, const core::MemoryInfo& memory);
Napi::Array toJs(Napi::Env env, const std::vector<lc_precision>& precisions);
Napi::Object toJs(Napi::Env env, const core::EngineInfo& engine);
Napi::Object toJs(Napi::Env env, const core::RunMemory& memory);
Napi::Object toJs(Napi::Env env, const core::DeviceCounters& counters);

}  // namespace lc::addon
