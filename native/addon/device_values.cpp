#include "device_values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "errors.h"

namespace lc::addon {
namespace {

struct NamedPrecision {
  lc_precision precision;
  const char* name;
};

constexpr std::array kPrecisions = {NamedPrecision{LC_FP32, "fp32"}, NamedPrecision{LC_BF16, "bf16"},
                                    NamedPrecision{LC_BF16X3, "bf16x3"}};

Napi::Number number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

std::uint32_t countOption(const Napi::Object& options, const char* name, std::int32_t maximum) {
  return static_cast<std::uint32_t>(integerOption(options, name, 1, maximum));
}

}  // namespace

BackendLocation backendOption(const Napi::Object& options) {
  const bool isSetUp = !options.Get("settings").IsUndefined();
  // No path, but like one without a NUL, at which it would be cut.
  std::string settings = isSetUp ? pathOption(options, "settings") : std::string();
  return {pathOption(options, "plugin"), pathsOption(options, "libraryFolders"), std::move(settings)};
}

std::uint32_t deviceOption(const Napi::Object& options) {
  return static_cast<std::uint32_t>(integerOption(options, "device", 0, kMaxDevices - 1));
}

std::uint32_t threadsOption(const Napi::Object& options) {
  return options.Get("threads").IsUndefined() ? 1 : countOption(options, "threads", kMaxThreads);
}

std::vector<std::uint32_t> processorsOption(const Napi::Object& options) {
  if (options.Get("processors").IsUndefined()) return {};
  const Napi::Array list = arrayOption(options, "processors");
  std::vector<std::uint32_t> processors;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    processors.push_back(
        static_cast<std::uint32_t>(integerOf(list.Get(index), "each of processors", 0, kMaxProcessors - 1)));
  }
  return processors;
}

lc_precision precisionArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = stringArgument(info, index, "precision");
  const auto found = std::ranges::find(kPrecisions, name, &NamedPrecision::name);
  if (found == kPrecisions.end()) {
    reject(info.Env(), "precision", "fp32, bf16 or bf16x3", describe(info[index]));
  }
  return found->precision;
}

lc_shape shapeOf(const Napi::Object& shape) {
  return {countOption(shape, "count", kMaxImages), countOption(shape, "height", kMaxImageSide),
          countOption(shape, "width", kMaxImageSide)};
}

Napi::Object toJs(Napi::Env env, const lc_shape& shape) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("count", number(env, shape.count));
  result.Set("height", number(env, shape.height));
  result.Set("width", number(env, shape.width));
  return result;
}

Napi::Object toJs(Napi::Env env, const core::MemoryInfo& memory) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("free", number(env, memory.freeBytes));
  result.Set("total", number(env, memory.totalBytes));
  return result;
}

Napi::Array toJs(Napi::Env env, const std::vector<lc_precision>& precisions) {
  Napi::Array result = Napi::Array::New(env);
  for (const lc_precision precision : precisions) {
    const auto found = std::ranges::find(kPrecisions, precision, &NamedPrecision::precision);
    if (found != kPrecisions.end()) result.Set(result.Length(), Napi::String::New(env, found->name));
  }
  return result;
}

Napi::Object toJs(Napi::Env env, const core::EngineInfo& engine) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("id", number(env, engine.id));
  result.Set("minimum", toJs(env, engine.minimum));
  result.Set("maximum", toJs(env, engine.maximum));
  result.Set("weightBytes", number(env, engine.weightBytes));
  return result;
}

Napi::Object toJs(Napi::Env env, const core::RunMemory& memory) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("activationBytes", number(env, memory.activationBytes));
  result.Set("inputBytes", number(env, memory.inputBytes));
  result.Set("outputBytes", number(env, memory.outputBytes));
  result.Set("arenaBytes", number(env, memory.arenaBytes));
  return result;
}

Napi::Object toJs(Napi::Env env, const core::DeviceCounters& counters) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("memoryBudget", number(env, counters.memoryBudget));
  result.Set("memoryUsed", number(env, counters.memoryUsed));
  result.Set("memoryPeak", number(env, counters.memoryPeak));
  result.Set("memoryDenied", number(env, counters.memoryDenied));
  result.Set("arenaBytes", number(env, counters.arenaBytes));
  result.Set("enginesLoaded", number(env, counters.enginesLoaded));
  result.Set("waiting", number(env, counters.waiting));
  result.Set("running", number(env, counters.running));
  return result;
}

}  // namespace lc::addon
