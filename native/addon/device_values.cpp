#include "device_values.h"

#include "errors.h"

namespace lc::addon {
namespace {

Napi::Number number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

std::uint32_t countOption(const Napi::Object& options, const char* name, std::int32_t maximum) {
  return static_cast<std::uint32_t>(integerOption(options, name, 1, maximum));
}

}  // namespace

BackendLocation backendOption(const Napi::Object& options) {
  return {pathOption(options, "plugin"), pathsOption(options, "libraryFolders")};
}

std::uint32_t deviceOption(const Napi::Object& options) {
  return static_cast<std::uint32_t>(integerOption(options, "device", 0, kMaxDevices - 1));
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
