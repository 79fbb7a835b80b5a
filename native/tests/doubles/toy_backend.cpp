#include "toy_backend.h"

#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/lc_backend.h"
#include "toy_device.h"
#include "toy_network.h"
#include "toy_words.h"

using lc::toy::Device;
using lc::toy::misuse;
using lc::toy::Network;
using lc::toy::report;
using lc::toy::Words;

struct lc_context {};

struct lc_device : Device {
  using Device::Device;
};

struct lc_engine {
  lc_device& device;
  Network network;
};

namespace {

lc_code contextOpen(const lc_options*, lc_context** context, lc_error* error) {
  const auto code = static_cast<lc_code>(Words::ofEnvironment()("fail_context", LC_OK));
  if (code != LC_OK) return report(error, code, "toyLoad", "the toy library does not load");
  *context = new lc_context;
  return LC_OK;
}

void contextClose(lc_context* context) {
  delete context;
}

const char* contextRuntime(const lc_context*) {
  return "Toy 1.0";
}

bool refusesNetworks() {
  return Words::ofEnvironment()("no_networks", 0) != 0;
}

uint32_t contextPrecisions(const lc_context*, const lc_precision** precisions) {
  static constexpr lc_precision all[] = {LC_FP32};
  *precisions = all;
  return refusesNetworks() ? 0 : 1;
}

lc_code memoryInfo(lc_context*, uint32_t device, uint64_t* freeBytes, uint64_t* totalBytes, lc_error* error) {
  if (device != 0) return report(error, LC_NO_DEVICE, "toyMemGetInfo", "there is only toy device 0");
  const Words options = Words::ofEnvironment();
  *totalBytes = options("capacity", uint64_t{1} << 30);
  *freeBytes = options("device_free", *totalBytes);
  return LC_OK;
}

lc_code build(lc_context*, const lc_build* build, lc_error* error) {
  const Words options = Words::ofEnvironment();
  const auto steps = static_cast<int32_t>(options("build_steps", 5));
  for (int32_t step = 1; step <= steps; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(options("build_ms", 0)));
    if (build->on_progress(build->self, "Toying", step, steps) == 0) {
      return report(error, LC_CANCELLED, "build", "the build was stopped");
    }
  }
  if (const auto code = static_cast<lc_code>(options("fail_build", LC_OK)); code != LC_OK) {
    build->on_log(build->self, LC_LOG_ERROR, "the toy refuses the network");
    return report(error, code, "toyBuild", "the toy refuses the network");
  }
  const auto word = [](const char* key, uint64_t value) {
    return " " + (key + ("=" + std::to_string(value)));
  };
  uint64_t weights = 0;
  for (uint32_t i = 0; i < build->tensor_count; ++i) weights += build->tensors[i].byte_count;
  const std::string plan = "toy" + word("maxcount", build->maximum.count) +
                           word("minheight", build->minimum.height) +
                           word("maxheight", build->maximum.height) + word("minwidth", build->minimum.width) +
                           word("maxwidth", build->maximum.width) + word("weights", weights);
  const std::string timings = "toy timings";
  build->on_plan(build->self, plan.data(), plan.size());
  build->on_timing_cache(build->self, timings.data(), timings.size());
  return LC_OK;
}

lc_code deviceOpen(lc_context*, const lc_device_options* options, const lc_host* host, lc_device** opened,
                   lc_error* error) {
  if (options->device != 0) return report(error, LC_NO_DEVICE, "toySetDevice", "there is only toy device 0");
  const auto code = static_cast<lc_code>(Words::ofEnvironment()("fail_open", LC_OK));
  if (code != LC_OK) return report(error, code, "toySetDevice", "the toy device does not open");
  const uint32_t processors = options->processor_count;
  lc::toy::count([](auto& all, auto threads) { all.threads = threads; }, options->threads);
  lc::toy::count([](auto& all, auto last) { all.last_processor = last; },
                 processors == 0 ? 0 : options->processors[processors - 1]);
  *opened = new lc_device(*host, options->slots);
  return LC_OK;
}

void deviceClose(lc_device* device) {
  delete device;
}

lc_code blockAlloc(lc_device* device, uint64_t bytes, void** block, lc_error* error) {
  if (const lc_code code = device->enter("block_alloc", error); code != LC_OK) return code;
  return device->allocate(bytes, block, error);
}

void blockFree(lc_device* device, void* block) {
  if (device->enter("block_free", nullptr) == LC_OK) device->release(block);
}

lc_code stagingAlloc(lc_device* device, uint64_t bytes, void** block, lc_error* error) {
  if (const lc_code code = device->enter("staging_alloc", error); code != LC_OK) return code;
  return device->allocateStaging(bytes, block, error);
}

void stagingFree(lc_device* device, void* block) {
  if (device->enter("staging_free", nullptr) == LC_OK) device->release(block);
}

lc_code openEngine(lc_device* device, const Network& network, lc_engine** engine, lc_error* error) {
  if (const lc_code code = device->takeWeights(network.weightBytes, error); code != LC_OK) return code;
  *engine = new lc_engine{*device, network};
  ++device->engines;
  lc::toy::count([](auto& all, auto) { ++all.live_engines; }, 0);
  return LC_OK;
}

lc_code engineOpen(lc_device* device, const void* plan, uint64_t byteCount, lc_engine** engine,
                   lc_error* error) {
  if (const lc_code code = device->enter("engine_open", error); code != LC_OK) return code;
  const std::string text(static_cast<const char*>(plan), byteCount);
  if (!text.starts_with("toy"))
    return report(error, LC_ENGINE_INVALID, "toyDeserialize", "not a plan of the toy");
  const Words words(text, ' ');
  const auto word = [&](const char* key, uint32_t missing) {
    return static_cast<uint32_t>(words(key, missing));
  };
  std::vector<float> bias(word("channels", 8));
  std::iota(bias.begin(), bias.end(), 0.0f);
  const Network network{{1, word("minheight", 8), word("minwidth", 8)},
                        {word("maxcount", 8), word("maxheight", 1024), word("maxwidth", 1024)},
                        1,
                        word("stride", 8),
                        bias,
                        words("weights", 1000),
                        words("activation", 4)};
  return openEngine(device, network, engine, error);
}

lc_code engineOpenNetwork(lc_device* device, const lc_network* network, lc_engine** engine, lc_error* error) {
  if (const lc_code code = device->enter("engine_open_network", error); code != LC_OK) return code;
  if (network->precision != LC_FP32 || refusesNetworks()) {
    return report(error, LC_UNSUPPORTED, "toyNetwork", "the toy does not compute in this precision");
  }
  return openEngine(device, lc::toy::networkOf(*network), engine, error);
}

void engineClose(lc_engine* engine) {
  engine->device.dropWeights(engine->network.weightBytes);
  --engine->device.engines;
  lc::toy::count([](auto& all, auto) { --all.live_engines; }, 0);
  delete engine;
}

lc_code engineInfo(lc_engine* engine, lc_engine_info* info, lc_error* error) {
  if (const lc_code code = engine->device.enter("engine_info", error); code != LC_OK) return code;
  info->minimum = engine->network.minimum;
  info->maximum = engine->network.maximum;
  info->weight_bytes = engine->network.weightBytes;
  return LC_OK;
}

lc_code engineMemory(lc_engine* engine, const lc_shape* shape, lc_run_memory* memory, lc_error* error) {
  if (const lc_code code = engine->device.enter("engine_memory", error); code != LC_OK) return code;
  const Network& network = engine->network;
  const auto within = [](uint32_t value, uint32_t least, uint32_t most) {
    return value >= least && value <= most;
  };
  if (!within(shape->count, network.minimum.count, network.maximum.count) ||
      !within(shape->height, network.minimum.height, network.maximum.height) ||
      !within(shape->width, network.minimum.width, network.maximum.width) ||
      shape->height % network.multiple != 0 || shape->width % network.multiple != 0) {
    return report(error, LC_SHAPE, "toySetShape", "the toy engine does not take this shape");
  }
  const uint64_t pixels = uint64_t{shape->count} * shape->height * shape->width;
  memory->activation_bytes = pixels * network.activationBytes;
  memory->input_bytes = pixels * 3;
  memory->output_bytes = network.outputFloats(*shape) * sizeof(float);
  return LC_OK;
}

lc_code submit(lc_engine* engine, const lc_run* run, lc_error* error) {
  if (const lc_code code = engine->device.enter("submit", error); code != LC_OK) return code;
  return engine->device.submit(engine->network, *run, error);
}

// Not through enter(): while it waits is when a run loses the device.
lc_code finish(lc_device* device, uint32_t slot, lc_error* error) {
  return device->finish(slot, error);
}

#ifdef LC_TOY_PLANS_ONLY
constexpr bool takesNetworks = false;
#else
constexpr bool takesNetworks = true;
#endif

constexpr lc_backend backend{
    .size = sizeof(lc_backend),
    .interface_version = LC_INTERFACE_VERSION,
    .name = "toy",
    .priority = 1,
    .context_open = contextOpen,
    .context_close = contextClose,
    .context_runtime = contextRuntime,
    .context_precisions = takesNetworks ? contextPrecisions : nullptr,
    .memory_info = memoryInfo,
    .build = build,
    .device_open = deviceOpen,
    .device_close = deviceClose,
    .block_alloc = blockAlloc,
    .block_free = blockFree,
    .staging_alloc = stagingAlloc,
    .staging_free = stagingFree,
    .engine_open = engineOpen,
    .engine_open_network = takesNetworks ? engineOpenNetwork : nullptr,
    .engine_close = engineClose,
    .engine_info = engineInfo,
    .engine_memory = engineMemory,
    .submit = submit,
    .finish = finish,
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const lc_backend* lc_backend_table() {
  return &backend;
}
