#include "native_device.h"

#include <optional>
#include <utility>

#include "device_values.h"
#include "encode_arguments.h"
#include "errors.h"
#include "failures.h"
#include "network_arguments.h"
#include "state.h"
#include "task.h"

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

std::optional<core::Error> copyOf(const core::Error* error) {
  return error == nullptr ? std::nullopt : std::optional(*error);
}

}  // namespace

void NativeDevice::define(Napi::Env env) {
  stateOf(env).deviceClass = Napi::Persistent(DefineClass(
      env, "NativeDevice",
      {InstanceMethod("loadEngine", &NativeDevice::loadEngine),
       InstanceMethod("loadNetwork", &NativeDevice::loadNetwork),
       InstanceMethod("unloadEngine", &NativeDevice::unloadEngine),
       InstanceMethod("memory", &NativeDevice::memory), InstanceMethod("memoryFor", &NativeDevice::memoryFor),
       InstanceMethod("encode", &NativeDevice::encode), InstanceMethod("cancel", &NativeDevice::cancel),
       InstanceMethod("trim", &NativeDevice::trim), InstanceMethod("counters", &NativeDevice::counters),
       InstanceMethod("close", &NativeDevice::close)}));
}

Napi::Value NativeDevice::open(Napi::Env env, core::DeviceOptions options) {
  const auto proof = Napi::External<core::DeviceOptions>::New(env, &options);
  NativeDevice& device = *Unwrap(stateOf(env).deviceClass.New({proof}));
  device.context_ = options.context;
  device.deviceIndex_ = options.device;
  return device.start(env, {}, [&](std::uint64_t call) {
    device.worker_ = std::make_unique<core::DeviceWorker>(std::move(options), device.settlesOpening(call));
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

void NativeDevice::releaseWhenIdle() {
  if (!calls_.empty()) return;
  queue_.keepAlive(false);
  Unref();
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

core::Completion<> NativeDevice::settlesOpening(std::uint64_t call) {
  return [this, call](const core::Error* error) {
    queue_.post([this, call, failure = copyOf(error)](Napi::Env env) {
      if (failure) {
        endWorker();
        calls_.reject(call, failureOf(*failure).toJs(env));
      } else {
        calls_.resolve(call, Value());
      }
      releaseWhenIdle();
    });
  };
}

core::Completion<> NativeDevice::settlesClosing(std::uint64_t call) {
  return [this, call](const core::Error*) {
    queue_.post([this, call](Napi::Env env) {
      endWorker();
      calls_.resolve(call, env.Undefined());
      releaseWhenIdle();
    });
  };
}

void NativeDevice::endWorker() {
  if (worker_ == nullptr) return;
  // Its memory is freed already, and its thread about to end.
  lastCounters_ = worker_->counters();
  worker_.reset();
  context_.reset();
}

Napi::Value NativeDevice::loadEngine(const Napi::CallbackInfo& info) {
  const Napi::Object plan = objectArgument(info, 0, "plan");
  core::PlanLocation location{pathOption(plan, "path"), sizeOption(plan, "offset"),
                              sizeOption(plan, "bytes")};
  return startOnWorker(info.Env(), {}, [&](std::uint64_t call) {
    worker_->loadEngine(std::move(location), settles<core::EngineInfo>(call));
  });
}

Napi::Value NativeDevice::loadNetwork(const Napi::CallbackInfo& info) {
  std::vector<Napi::Value> kept;
  core::Network network = networkArguments(info, kept);
  return startOnWorker(info.Env(), kept, [&](std::uint64_t call) {
    worker_->loadNetwork(std::move(network), settles<core::EngineInfo>(call));
  });
}

Napi::Value NativeDevice::unloadEngine(const Napi::CallbackInfo& info) {
  const std::uint32_t engine = engineArgument(info, 0);
  return startOnWorker(info.Env(), {},
                       [&](std::uint64_t call) { worker_->unloadEngine(engine, settles<>(call)); });
}

Napi::Value NativeDevice::memory(const Napi::CallbackInfo& info) {
  const auto memory = std::make_shared<core::MemoryInfo>();
  const bool isClosed = worker_ == nullptr;
  return Task::queue(
      info.Env(), "latent-cache.memory", {},
      [=, context = context_, device = deviceIndex_] {
        if (isClosed) throw core::closedError();
        *memory = context->memoryInfo(device);
      },
      [=](Napi::Env env) -> Napi::Value { return toJs(env, *memory); });
}

Napi::Value NativeDevice::memoryFor(const Napi::CallbackInfo& info) {
  const std::uint32_t engine = engineArgument(info, 0);
  const lc_shape shape = shapeOf(objectArgument(info, 1, "shape"));
  return startOnWorker(info.Env(), {}, [&](std::uint64_t call) {
    worker_->memoryFor(engine, shape, settles<core::RunMemory>(call));
  });
}

Napi::Value NativeDevice::encode(const Napi::CallbackInfo& info) {
  std::vector<Napi::Value> kept;
  core::EncodeRequest request = encodeArguments(info, kept);
  return startOnWorker(info.Env(), kept,
                       [&](std::uint64_t call) { worker_->encode(std::move(request), settles<>(call)); });
}

Napi::Value NativeDevice::cancel(const Napi::CallbackInfo& info) {
  const std::uint64_t ticket = ticketArgument(info, 0);
  return Napi::Boolean::New(info.Env(), worker_ != nullptr && worker_->cancel(ticket));
}

Napi::Value NativeDevice::trim(const Napi::CallbackInfo& info) {
  return startOnWorker(info.Env(), {}, [&](std::uint64_t call) { worker_->trim(settles<>(call)); });
}

Napi::Value NativeDevice::counters(const Napi::CallbackInfo& info) {
  return toJs(info.Env(), worker_ == nullptr ? lastCounters_ : worker_->counters());
}

Napi::Value NativeDevice::close(const Napi::CallbackInfo& info) {
  return start(info.Env(), {}, [&](std::uint64_t call) {
    const core::Completion<> closed = settlesClosing(call);
    if (worker_ == nullptr) {
      closed(nullptr);
    } else {
      worker_->close(closed);
    }
  });
}

}  // namespace lc::addon
