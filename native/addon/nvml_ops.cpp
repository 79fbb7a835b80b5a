#include "nvml_ops.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "errors.h"
#include "nvml/status.h"
#include "task.h"

namespace lc::addon {
namespace {

Napi::Value toJs(Napi::Env env, std::uint64_t number) {
  return Napi::Number::New(env, static_cast<double>(number));
}

Napi::Value toJs(Napi::Env env, bool value) {
  return Napi::Boolean::New(env, value);
}

Napi::Value toJs(Napi::Env env, const std::string& text) {
  return Napi::String::New(env, text);
}

Napi::Value toJs(Napi::Env env, const nvml::Process& process);
Napi::Value toJs(Napi::Env env, const nvml::Device& device);

template <typename Value>
Napi::Value toJs(Napi::Env env, const std::vector<Value>& values) {
  Napi::Array result = Napi::Array::New(env, values.size());
  for (std::uint32_t index = 0; index < values.size(); ++index) result.Set(index, toJs(env, values[index]));
  return result;
}

template <typename Value>
Napi::Value toJs(Napi::Env env, const std::optional<Value>& value) {
  return value ? toJs(env, *value) : env.Null();
}

Napi::Value toJs(Napi::Env env, const nvml::Process& process) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("pid", process.pid);
  result.Set("kind", process.isGraphics ? "graphics" : "compute");
  result.Set("usedBytes", toJs(env, process.usedBytes));
  return result;
}

Napi::Value toJs(Napi::Env env, const nvml::Device& device) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("index", device.index);
#define LC_SET(field) result.Set(#field, toJs(env, device.field))
  LC_SET(name);
  LC_SET(uuid);
  LC_SET(pciBusId);
  LC_SET(totalBytes);
  LC_SET(freeBytes);
  LC_SET(usedBytes);
  LC_SET(reservedBytes);
  LC_SET(pcieGeneration);
  LC_SET(pcieGenerationMax);
  LC_SET(pcieWidth);
  LC_SET(pcieWidthMax);
  LC_SET(smClockMhz);
  LC_SET(smClockMaxMhz);
  LC_SET(memoryClockMhz);
  LC_SET(memoryClockMaxMhz);
  LC_SET(powerMilliwatts);
  LC_SET(powerLimitMilliwatts);
  LC_SET(powerLimitDefaultMilliwatts);
  LC_SET(powerLimitMaxMilliwatts);
  LC_SET(energyMillijoules);
  LC_SET(temperatureCelsius);
  LC_SET(throttleReasons);
  LC_SET(utilizationPercent);
  LC_SET(eccEnabled);
  LC_SET(migEnabled);
  LC_SET(persistenceEnabled);
  LC_SET(displayActive);
  LC_SET(processes);
#undef LC_SET
  return result;
}

Napi::Value toJs(Napi::Env env, const nvml::Status& status) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("libraryPath", status.libraryPath);
  result.Set("driverVersion", toJs(env, status.driverVersion));
  result.Set("cudaVersion", toJs(env, status.cudaVersion));
  result.Set("devices", toJs(env, status.devices));
  return result;
}

Napi::Value nvmlStatus(const Napi::CallbackInfo& info) {
  const std::vector<std::string> folders = pathsOption(objectArgument(info, 0, "search"), "libraryFolders");
  const auto status = std::make_shared<nvml::Status>();
  return Task::queue(
      info.Env(), "latent-cache.nvmlStatus", {},
      [=] { *status = nvml::readStatus(nvml::Library::load(folders)); },
      [=](Napi::Env env) -> Napi::Value { return toJs(env, *status); });
}

}  // namespace

void registerNvmlOps(Napi::Env env, Napi::Object exports) {
  exports.Set("nvmlStatus", Napi::Function::New(env, nvmlStatus, "nvmlStatus"));
}

}  // namespace lc::addon
