#include "build_engine.h"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/engine_builder.h"
#include "device_values.h"
#include "errors.h"
#include "js_queue.h"
#include "task.h"

namespace lc::addon {
namespace {

struct Build {
  Build(Napi::Env env, const Napi::Function& callback)
      : onProgress(Napi::Persistent(callback)), queue(env, "latent-cache.buildProgress") {}

  BackendLocation location;
  core::BuildRequest request;
  core::BuiltEngine built;
  Napi::FunctionReference onProgress;
  JsQueue queue;

  // On a libuv worker.
  void run() {
    request.context = location.open();
    const auto progress = [this](const char* phase, std::int32_t step, std::int32_t steps) {
      queue.post([this, phase = std::string(phase), step, steps](Napi::Env env) {
        report(env, phase, step, steps);
      });
      return true;
    };
    try {
      built = core::buildEngine(request, progress, {});
    } catch (const core::Error& error) {
      // The files of a build hold weights, not engines.
      if (error.code() != core::kFileUnreadable) throw;
      throw core::Error(LC_BUILD_FAILED, error.what())
          .withOperation(error.operation())
          .withPath(error.path());
    }
  }

  // What the callback throws ends where an event listener's exception ends.
  void report(Napi::Env env, const std::string& phase, std::int32_t step, std::int32_t steps) {
    try {
      onProgress.Call(
          {Napi::String::New(env, phase), Napi::Number::New(env, step), Napi::Number::New(env, steps)});
    } catch (const Napi::Error& error) {
      napi_fatal_exception(env, error.Value());
    }
  }
};

std::vector<core::TensorLocation> tensorsOption(const Napi::Object& options) {
  const Napi::Array list = arrayOption(options, "tensors");
  std::vector<core::TensorLocation> tensors;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    const Napi::Object tensor = objectOf(list.Get(index), "each of tensors");
    tensors.push_back({stringOption(tensor, "name"), pathOption(tensor, "path"), sizeOption(tensor, "offset"),
                       sizeOption(tensor, "bytes")});
  }
  return tensors;
}

// Without a copy where the runtime allows it: a plan has hundreds of megabytes.
Napi::Value toBytes(Napi::Env env, std::vector<std::uint8_t> bytes) {
  auto* owned = new std::vector<std::uint8_t>(std::move(bytes));
  return Napi::Buffer<std::uint8_t>::NewOrCopy(
      env, owned->data(), owned->size(),
      [](Napi::Env, std::uint8_t*, std::vector<std::uint8_t>* hint) { delete hint; }, owned);
}

}  // namespace

Napi::Value buildEngine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = objectArgument(info, 0, "options");
  const auto build = std::make_shared<Build>(env, functionArgument(info, 1, "onProgress"));
  build->location = backendOption(options);

  core::BuildRequest& request = build->request;
  const Napi::Uint8Array graph = bytesOf(options.Get("graph"), "graph");
  std::vector<Napi::Value> kept{graph};
  request.graph = {graph.Data(), graph.ByteLength()};
  const Napi::Value timingCache = options.Get("timingCache");
  if (!timingCache.IsNull()) {
    const Napi::Uint8Array bytes = bytesOf(timingCache, "timingCache");
    request.timingCache = {bytes.Data(), bytes.ByteLength()};
    kept.push_back(bytes);
  }
  request.device = deviceOption(options);
  request.tensors = tensorsOption(options);
  request.minimum = shapeOf(objectOption(options, "minimum"));
  request.optimum = shapeOf(objectOption(options, "optimum"));
  request.maximum = shapeOf(objectOption(options, "maximum"));
  request.allowTf32 = booleanOption(options, "allowTf32");
  request.optimizationLevel = integerOption(options, "optimizationLevel", 0, 5);
  request.memoryLimit = sizeOption(options, "memoryLimit");

  return Task::queue(
      env, "latent-cache.buildEngine", kept, [build] { build->run(); },
      [build](Napi::Env resultEnv) -> Napi::Value {
        build->queue.flush();  // every step is reported before the build has ended
        Napi::Object result = Napi::Object::New(resultEnv);
        result.Set("plan", toBytes(resultEnv, std::move(build->built.plan)));
        result.Set("timingCache", build->built.timingCache
                                      ? toBytes(resultEnv, std::move(*build->built.timingCache))
                                      : resultEnv.Null());
        return result;
      });
}

}  // namespace lc::addon
