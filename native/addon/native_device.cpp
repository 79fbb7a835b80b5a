#include "native_device.h"

#include <optional>
#include <utility>

#include "device_options.h"
#include "encode_arguments.h"
#include "errors.h"
#include "failures.h"
#include "state.h"

namespace lc::addon {
namespace {

// What a call without a result resolves to, and one with it.
Napi::Value resultOf(Napi::Env env) {
  return env.Undefined();
}

template <typename Result>
Napi::Value resultOf(Napi::Env env, const Result& result) {
  return toJs(env, result);
}

}  // namespace

void NativeDevice::define(Napi::Env env) {
  stateOf(env).deviceClass = Napi::Persistent(DefineClass(
      env, "NativeDevice",
      {InstanceMethod("loadEngine", &NativeDevice::loadEngine),
       InstanceMethod("unloadEngine", &NativeDevice::unloadEngine),
       InstanceMethod("memoryFor", &NativeDevice::memoryFor), InstanceMethod("encode", &NativeDevice::encode),
       InstanceMethod("cancel", &NativeDevice::cancel), InstanceMethod("trim", &NativeDevice::trim),
       InstanceMethod("counters", &NativeDevice::counters), InstanceMethod("close", &NativeDevice::close)}));
}

Napi::Value NativeDevice::open(Napi::Env env, core::DeviceOptions options) {
  const auto proof = Napi::External<core::DeviceOptions>::New(env, &options);
  NativeDevice& device = *Unwrap(stateOf(env).deviceClass.New({proof}));
  return device.start(env, {}, [&](std::uint64_t call) {
    device.worker_ = std::make_unique<core::DeviceWorker>(std::move(options), device.opens(call));
  });
}

NativeDevice::NativeDevice(const Napi::CallbackInfo& info)
    : ObjectWrap(info), queue_(info.Env(), "latent-cache.device") {
  if (!info[0].IsExternal()) {
    throw makeError(info.Env(), "ERR_ARGUMENT", "Expected openDevice to be called for a device");
  }
  // After the queue's own hook, hence before it at the end.
  napi_add_env_cleanup_hook(info.Env(), endWithEnvironment, this);
}

NativeDevice::~NativeDevice() {
  if (!environmentEnded_) napi_remove_env_cleanup_hook(Env(), endWithEnvironment, this);
}

void NativeDevice::endWithEnvironment(void* self) {
  NativeDevice& device = *static_cast<NativeDevice*>(self);
  device.environmentEnded_ = true;
  device.worker_.reset();
  device.queue_.close();
  device.calls_.drop();
}

Napi::Value NativeDevice::start(Napi::Env env, const std::vector<Napi::Value>& kept, const Ask& ask) {
  if (calls_.empty()) {
    Ref();
    queue_.keepAlive(true);
  }
  const auto [call, promise] = calls_.start(env, kept);
  try {
    ask(call);
  } catch (...) {
    const Napi::Value error = currentFailure().toJs(env);
    calls_.reject(call, error);
    releaseWhenIdle();
  }
  return promise;
}

Napi::Value NativeDevice::startOnWorker(Napi::Env env, const std::vector<Napi::Value>& kept, const Ask& ask) {
  return start(env, kept, [&](std::uint64_t call) {
    if (worker_ == nullptr) throw core::closedError();
    ask(call);
  });
}

void NativeDevice::finish(std::uint64_t call, const core::Error* error, const Napi::Value& result) {
  if (error == nullptr) {
    calls_.resolve(call, result);
  } else {
    calls_.reject(call, failureOf(*error).toJs(Env()));
  }
  releaseWhenIdle();
}

void NativeDevice::releaseWhenIdle() {
  if (!calls_.empty()) return;
  queue_.keepAlive(false);
  Unref();
}

core::Completion<> NativeDevice::opens(std::uint64_t call) {
  return [this, call](const core::Error* error) {
    queue_.post([this, call, failure = copyOf(error)](Napi::Env) {
      if (failure) endWorker();
      finish(call, failure ? &*failure : nullptr, Value());
    });
  };
}

core::Completion<> NativeDevice::closes(std::uint64_t call) {
  return [this, call](const core::Error* error) {
    queue_.post([this, call, failure = copyOf(error)](Napi::Env env) {
      endWorker();
      finish(call, nullptr, env.Undefined());
    });
  };
}

template <typename... Result>
core::Completion<Result...> NativeDevice::settles(std::uint64_t call) {
  return [this, call](const core::Error* error, const Result&... result) {
    queue_.post([this, call, failure = copyOf(error), result...](Napi::Env env) {
      if (failure) {
        calls_.reject(call, failureOf(*failure).toJs(env));
      } else {
        calls_.resolve(call, resultOf(env, result...));
      }
      releaseWhenIdle();
    });
  };
}

}  // namespace lc::addon
