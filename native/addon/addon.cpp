// Entry point: one State for each JS environment, then the functions of src/native/binding.ts.
#include <napi.h>

#include "cuda_ops.h"
#include "device_ops.h"
#include "errors.h"
#include "file_ops.h"
#include "nvml_ops.h"
#include "pixel_ops.h"
#include "posterior_ops.h"
#include "state.h"

namespace lc::addon {
namespace {

Napi::Value initialize(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) {
    throw makeError(info.Env(), "ERR_ARGUMENT", "Expected a class for errorClass");
  }
  stateOf(info.Env()).errorClass = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value counters(const Napi::CallbackInfo& info) {
  const State& state = stateOf(info.Env());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("queued", Napi::Number::New(info.Env(), state.queued));
  result.Set("completed", Napi::Number::New(info.Env(), state.completed));
  return result;
}

}  // namespace

Napi::Object registerAll(Napi::Env env, Napi::Object exports) {
  // Freed by the environment itself, also when a worker thread ends.
  env.SetInstanceData(new State());
  exports.Set("initialize", Napi::Function::New(env, initialize, "initialize"));
  exports.Set("counters", Napi::Function::New(env, counters, "counters"));
  registerPixelOps(env, exports);
  registerPosteriorOps(env, exports);
  registerFileOps(env, exports);
  registerCudaOps(env, exports);
  registerNvmlOps(env, exports);
  registerDeviceOps(env, exports);
  return exports;
}

}  // namespace lc::addon

static Napi::Object lcInit(Napi::Env env, Napi::Object exports) {
  return lc::addon::registerAll(env, exports);
}

NODE_API_MODULE(latent_cache, lcInit)
