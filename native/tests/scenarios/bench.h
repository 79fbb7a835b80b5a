// The plug-in's table, the fakes that it runs on, and the core's side of both.
#pragma once

#include <cstdint>
#include <string>

#include "core/lc_backend.h"
#include "doubles/fake_cuda.h"
#include "doubles/fake_tensorrt.h"
#include "scenarios/model.h"

namespace lc::test {

constexpr std::uint32_t kSlots = 2;
constexpr std::uint32_t kDevices = 2;
constexpr std::uint64_t kWeightBytes = 4096;
constexpr std::uint64_t kBiasBytes = 512;
constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

struct Doubles {
  decltype(lc_fake_cuda_reset)* cudaReset;
  decltype(lc_fake_cuda_defaults)* cudaDefaults;
  decltype(lc_fake_cuda_query)* cudaQuery;
  decltype(lc_fake_cuda_device_bytes)* cudaDeviceBytes;
  decltype(lc_fake_cuda_fail_in)* cudaFailIn;
  decltype(lc_fake_trt_reset)* trtReset;
  decltype(lc_fake_trt_query)* trtQuery;
};

// The core's side: a budget that is kept, and that can refuse the k-th request.
struct Host {
  std::uint64_t limit = 1024 * kMebibyte;
  std::uint64_t used = 0;
  int requests = 0;
  int refuseAt = 0;

  lc_host face() { return {sizeof(lc_host), this, reserve, release, log}; }

  static std::int32_t reserve(void* self, std::uint64_t bytes, std::uint64_t* available) {
    auto& host = *static_cast<Host*>(self);
    *available = host.limit - host.used;
    if (++host.requests == host.refuseAt || bytes > *available) return 0;
    host.used += bytes;
    return 1;
  }
  static void release(void* self, std::uint64_t bytes) { static_cast<Host*>(self)->used -= bytes; }
  static void log(void*, std::int32_t, const char*) {}
};

struct BuildResult {
  lc_code code;
  std::string plan;
  std::string timings;
  std::string message;
};

struct BuildRequest {
  int height = 64;
  int width = 64;
  lc_shape minimum{1, 64, 64};
  lc_shape optimum{4, 64, 64};
  lc_shape maximum{4, 64, 64};
  const char* weightName = "encoder.conv_in.weight";
  int level = 3;
  int allowTf32 = 0;
  std::string timings;
  int cancelAfter = 0;
  std::uint64_t memoryLimit = 64 * kMebibyte;
};

class Bench {
 public:
  Bench(const lc_backend& backend, const Doubles& doubles, lc_context* context)
      : backend(backend), doubles(doubles), context(context) {}

  BuildResult build(const BuildRequest& request) {
    struct Collected {
      BuildResult result;
      int steps = 0;
      int cancelAfter = 0;
    } collected;
    collected.cancelAfter = request.cancelAfter;
    const std::string graph = graphFor(request.height, request.width);
    const std::string weights(kWeightBytes, 'w');
    const std::string bias(kBiasBytes, 'b');
    const lc_tensor tensors[] = {{request.weightName, weights.data(), weights.size()},
                                 {"encoder.conv_in.bias", bias.data(), bias.size()}};
    lc_build build{};
    build.size = sizeof build;
    build.graph = graph.data();
    build.graph_byte_count = graph.size();
    build.tensors = tensors;
    build.tensor_count = 2;
    build.minimum = request.minimum;
    build.optimum = request.optimum;
    build.maximum = request.maximum;
    build.optimization_level = request.level;
    build.allow_tf32 = request.allowTf32;
    build.memory_limit = request.memoryLimit;
    build.timing_cache = request.timings.data();
    build.timing_cache_byte_count = request.timings.size();
    build.self = &collected;
    build.on_progress = [](void* self, const char*, std::int32_t, std::int32_t) -> std::int32_t {
      auto& all = *static_cast<Collected*>(self);
      return ++all.steps == all.cancelAfter ? 0 : 1;
    };
    build.on_log = [](void*, std::int32_t, const char*) {};
    build.on_plan = [](void* self, const void* bytes, std::uint64_t size) {
      static_cast<Collected*>(self)->result.plan.assign(static_cast<const char*>(bytes), size);
    };
    build.on_timing_cache = [](void* self, const void* bytes, std::uint64_t size) {
      static_cast<Collected*>(self)->result.timings.assign(static_cast<const char*>(bytes), size);
    };
    lc_error error = empty();
    collected.result.code = backend.build(context, &build, &error);
    collected.result.message = error.message;
    return collected.result;
  }

  // Whether a loss that these options ask for has happened.
  bool isLost(const lc_fake_cuda_options& cuda) const {
    lc_fake_cuda_state state{};
    doubles.cudaQuery(&state);
    return (cuda.lose_at > 0 && state.calls >= cuda.lose_at) ||
           (cuda.lose_at_launch > 0 && state.launches >= cuda.lose_at_launch);
  }

  lc_fake_trt_build lastBuild() const {
    lc_fake_trt_state state{};
    doubles.trtQuery(&state);
    return state.last_build;
  }

  static lc_error empty() {
    lc_error error{};
    error.size = sizeof error;
    return error;
  }

  const lc_backend& backend;
  const Doubles& doubles;
  lc_context* context;
};

}  // namespace lc::test
