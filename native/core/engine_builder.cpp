#include "core/engine_builder.h"

#include <exception>
#include <mutex>

#include "core/error.h"
#include "core/mapped_file.h"

namespace lc::core {

namespace {

// The callbacks of one build. Exceptions must not pass through the back-end; they wait here.
struct Build {
  const BuildProgress& progress;
  const Log& log;
  BuiltEngine result;
  std::mutex mutex;
  std::exception_ptr failure;

  void keepException() {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::current_exception();
  }
};

Build& of(void* self) {
  return *static_cast<Build*>(self);
}

std::int32_t onProgress(void* self, const char* phase, std::int32_t step, std::int32_t steps) {
  try {
    return of(self).progress(phase, step, steps) ? 1 : 0;
  } catch (...) {
    of(self).keepException();
    return 0;
  }
}

void onLog(void* self, std::int32_t level, const char* text) {
  try {
    if (of(self).log) of(self).log(level, text);
  } catch (...) {
    of(self).keepException();
  }
}

void onPlan(void* self, const void* bytes, std::uint64_t byteCount) {
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  try {
    of(self).result.plan.assign(first, first + byteCount);
  } catch (...) {
    of(self).keepException();
  }
}

void onTimingCache(void* self, const void* bytes, std::uint64_t byteCount) {
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  try {
    of(self).result.timingCache.emplace(first, first + byteCount);
  } catch (...) {
    of(self).keepException();
  }
}

}  // namespace

BuiltEngine buildEngine(const BuildRequest& request, const BuildProgress& progress, const Log& log) {
  std::vector<MappedFile> files;
  std::vector<lc_tensor> tensors;
  files.reserve(request.tensors.size());
  tensors.reserve(request.tensors.size());
  for (const TensorLocation& tensor : request.tensors) {
    const MappedFile& file = files.emplace_back(tensor.path, tensor.offset, tensor.bytes);
    tensors.push_back({tensor.name.c_str(), file.bytes().data(), tensor.bytes});
  }

  Build state{progress, log, {}, {}, {}};
  lc_build build{};
  build.size = sizeof build;
  build.device = request.device;
  build.graph = request.graph.data();
  build.graph_byte_count = request.graph.size();
  build.tensors = tensors.data();
  build.tensor_count = static_cast<std::uint32_t>(tensors.size());
  build.minimum = request.minimum;
  build.optimum = request.optimum;
  build.maximum = request.maximum;
  build.allow_tf32 = request.allowTf32 ? 1 : 0;
  build.optimization_level = request.optimizationLevel;
  build.memory_limit = request.memoryLimit;
  build.timing_cache = request.timingCache.empty() ? nullptr : request.timingCache.data();
  build.timing_cache_byte_count = request.timingCache.size();
  build.self = &state;
  build.on_progress = onProgress;
  build.on_log = onLog;
  build.on_plan = onPlan;
  build.on_timing_cache = onTimingCache;

  lc_error error = emptyError();
  const lc_code code = request.context->backend().build(request.context->get(), &build, &error);
  if (state.failure) std::rethrow_exception(state.failure);
  check(code, error);
  return std::move(state.result);
}

}  // namespace lc::core
