#include "device_ops.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "build_engine.h"
#include "core/plugin.h"
#include "device_values.h"
#include "errors.h"
#include "native_device.h"
#include "task.h"

namespace lc::addon {
namespace {

Napi::Value probeBackend(const Napi::CallbackInfo& info) {
  const BackendLocation location = backendOption(objectArgument(info, 0, "options"));
  const auto context = std::make_shared<std::shared_ptr<core::Context>>();
  return Task::queue(
      info.Env(), "latent-cache.probeBackend", {}, [=] { *context = location.open(); },
      [=](Napi::Env env) -> Napi::Value {
        const core::Context& opened = **context;
        Napi::Object result = Napi::Object::New(env);
        result.Set("name", Napi::String::New(env, opened.backend().name));
        result.Set("path", Napi::String::New(env, opened.plugin().path()));
        result.Set("priority", Napi::Number::New(env, opened.backend().priority));
        result.Set("runtime", Napi::String::New(env, opened.runtime()));
        result.Set("precisions", toJs(env, opened.precisions()));
        return result;
      });
}

Napi::Value backendMemory(const Napi::CallbackInfo& info) {
  const BackendLocation location = backendOption(objectArgument(info, 0, "options"));
  const auto device = static_cast<std::uint32_t>(integerArgument(info, 1, "device", 0, kMaxDevices - 1));
  const auto memory = std::make_shared<core::MemoryInfo>();
  return Task::queue(
      info.Env(), "latent-cache.backendMemory", {}, [=] { *memory = location.open()->memoryInfo(device); },
      [=](Napi::Env env) -> Napi::Value { return toJs(env, *memory); });
}

// Libraries load on a libuv worker; all that follows runs on the device's own thread.
Napi::Value openDevice(const Napi::CallbackInfo& info) {
  const Napi::Object object = objectArgument(info, 0, "options");
  const BackendLocation location = backendOption(object);
  const auto options = std::make_shared<core::DeviceOptions>();
  options->device = deviceOption(object);
  options->memoryBudget = sizeOption(object, "memoryBudget");
  options->slots = static_cast<std::uint32_t>(integerOption(object, "slots", 1, kMaxSlots));
  options->threads = threadsOption(object);
  options->processors = processorsOption(object);
  return Task::queue(
      info.Env(), "latent-cache.openDevice", {}, [=] { options->context = location.open(); },
      [=](Napi::Env env) { return NativeDevice::open(env, std::move(*options)); });
}

}  // namespace

void registerDeviceOps(Napi::Env env, Napi::Object exports) {
  NativeDevice::define(env);
  exports.Set("probeBackend", Napi::Function::New(env, probeBackend, "probeBackend"));
  exports.Set("backendMemory", Napi::Function::New(env, backendMemory, "backendMemory"));
  exports.Set("openDevice", Napi::Function::New(env, openDevice, "openDevice"));
  exports.Set("buildEngine", Napi::Function::New(env, buildEngine, "buildEngine"));
}

}  // namespace lc::addon
