#include "cuda_ops.h"

#include <memory>
#include <string>
#include <vector>

#include "cuda/devices.h"
#include "device_values.h"
#include "errors.h"
#include "task.h"

namespace lc::addon {
namespace {

struct Status {
  std::string runtimePath;
  int runtimeVersion;
  int driverVersion;
  std::vector<cuda::Device> devices;
};

Napi::Object toJs(Napi::Env env, const cuda::Device& device) {
  Napi::Array capability = Napi::Array::New(env);
  capability.Set(0u, device.computeCapability[0]);
  capability.Set(1u, device.computeCapability[1]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("index", device.index);
  result.Set("name", device.name);
  result.Set("pciBusId", device.pciBusId);
  result.Set("computeCapability", capability);
  result.Set("multiprocessors", device.multiprocessors);
  result.Set("totalBytes", static_cast<double>(device.totalBytes));
  result.Set("attributes", device.attributes);
  return result;
}

Napi::Object toJs(Napi::Env env, const Status& status) {
  Napi::Array devices = Napi::Array::New(env);
  for (std::uint32_t index = 0; index < status.devices.size(); ++index) {
    devices.Set(index, toJs(env, status.devices[index]));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("runtimePath", status.runtimePath);
  result.Set("runtimeVersion", status.runtimeVersion);
  result.Set("driverVersion", status.driverVersion);
  result.Set("devices", devices);
  return result;
}

Napi::Value cudaStatus(const Napi::CallbackInfo& info) {
  const std::vector<std::string> folders = pathsOption(objectArgument(info, 0, "search"), "libraryFolders");
  const auto status = std::make_shared<Status>();
  return Task::queue(
      info.Env(), "latent-cache.cudaStatus", {},
      [=] {
        const cuda::Runtime& runtime = cuda::Runtime::load(folders);
        *status = {runtime.path(), runtime.runtimeVersion(), runtime.driverVersion(),
                   cuda::listDevices(runtime)};
      },
      [=](Napi::Env env) -> Napi::Value { return toJs(env, *status); });
}

Napi::Value cudaMemGetInfo(const Napi::CallbackInfo& info) {
  const int device = integerArgument(info, 0, "device", 0, kMaxDevices - 1);
  const std::vector<std::string> folders = pathsOption(objectArgument(info, 1, "search"), "libraryFolders");
  const auto memory = std::make_shared<cuda::MemoryInfo>();
  return Task::queue(
      info.Env(), "latent-cache.cudaMemGetInfo", {},
      [=] { *memory = cuda::memoryInfo(cuda::Runtime::load(folders), device); },
      [=](Napi::Env env) -> Napi::Value {
        return addon::toJs(env, core::MemoryInfo{memory->free, memory->total});
      });
}

}  // namespace

void registerCudaOps(Napi::Env env, Napi::Object exports) {
  exports.Set("cudaStatus", Napi::Function::New(env, cudaStatus, "cudaStatus"));
  exports.Set("cudaMemGetInfo", Napi::Function::New(env, cudaMemGetInfo, "cudaMemGetInfo"));
}

}  // namespace lc::addon
