// Compiles a network into an engine's plan.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/lc_backend.h"
#include "core/log.h"
#include "core/plugin.h"

namespace lc::core {

// Values of an external initializer: a part of a file, mapped during the build.
struct TensorLocation {
  std::string name;
  std::string path;
  std::uint64_t offset;
  std::uint64_t bytes;
};

struct BuildRequest {
  std::shared_ptr<Context> context;
  std::uint32_t device;
  // An ONNX model. Like `timingCache` it must stay during the call.
  std::span<const std::uint8_t> graph;
  std::vector<TensorLocation> tensors;
  lc_shape minimum;
  lc_shape optimum;
  lc_shape maximum;
  bool allowTf32;
  std::int32_t optimizationLevel;  // 0 to 5
  std::uint64_t memoryLimit;       // bytes of device memory
  // Of an earlier build; may be empty.
  std::span<const std::uint8_t> timingCache;
};

struct BuiltEngine {
  std::vector<std::uint8_t> plan;
  std::optional<std::vector<std::uint8_t>> timingCache;
};

// `step` of `steps` of a phase. From any thread. False stops the build.
using BuildProgress = std::function<bool(const char* phase, std::int32_t step, std::int32_t steps)>;

// Takes minutes of the calling thread. Throws Error: LC_BUILD_FAILED, LC_CANCELLED, LC_OUT_OF_MEMORY,
// LC_DEVICE_LOST, LC_HOST_MEMORY, kFileUnreadable; and what `progress` threw. `log` may be empty.
BuiltEngine buildEngine(const BuildRequest& request, const BuildProgress& progress, const Log& log);

}  // namespace lc::core
