// The C interface of the simulated GPU: each function is one guarded call.
#include <string>

#include "core/lc_backend.h"
#include "plugin/failure.h"
#include "sim/device.h"

using lc::plugin::Failure;
using lc::plugin::guarded;
using lc::plugin::requireSize;

struct lc_context {
  lc::sim::World& world;
};

struct lc_device {
  lc::sim::Device value;
};

struct lc_engine {
  lc::sim::Device& device;
  lc::sim::Plan plan;
  void* weights;
};

namespace {

void requireDevice(std::uint32_t device) {
  if (device != 0) throw Failure(LC_NO_DEVICE, "", "There is one simulated device, with the number 0");
}

lc_code openContext(const lc_options* options, lc_context** context, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    const std::string settings = options->settings == nullptr ? "" : options->settings;
    *context = new lc_context{lc::sim::World::of(settings)};
  });
}

void closeContext(lc_context* context) {
  delete context;
}

const char* runtimeOf(const lc_context*) {
  return "simulated GPU";
}

lc_code memoryInfo(lc_context* context, std::uint32_t device, std::uint64_t* freeBytes,
                   std::uint64_t* totalBytes, lc_error* error) {
  return guarded(error, [&] {
    requireDevice(device);
    const lc::sim::MemoryInfo info = context->world.memory();
    *freeBytes = info.freeBytes;
    *totalBytes = info.totalBytes;
  });
}

lc_code build(lc_context*, const lc_build*, lc_error* error) {
  return guarded(
      error, [] { throw Failure(LC_UNSUPPORTED, "build", "The simulated GPU takes plans and builds none"); });
}

lc_code openDevice(lc_context* context, const lc_device_options* options, const lc_host* host,
                   lc_device** opened, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    requireSize(*host);
    requireDevice(options->device);
    *opened = new lc_device{lc::sim::Device(context->world, options->slots, *host)};
  });
}

void closeDevice(lc_device* device) {
  delete device;
}

lc_code allocateBlock(lc_device* device, std::uint64_t bytes, void** block, lc_error* error) {
  return guarded(error, [&] { *block = device->value.allocateBlock(bytes); });
}

void freeBlock(lc_device* device, void* block) {
  device->value.freeBlock(block);
}

lc_code allocateStaging(lc_device* device, std::uint64_t bytes, void** block, lc_error* error) {
  return guarded(error, [&] { *block = device->value.allocateStaging(bytes); });
}

void freeStaging(lc_device* device, void* block) {
  device->value.freeStaging(block);
}

lc_code openEngine(lc_device* device, const void* plan, std::uint64_t byteCount, lc_engine** engine,
                   lc_error* error) {
  return guarded(error, [&] {
    const lc::sim::Plan read = lc::sim::parsePlan({static_cast<const char*>(plan), byteCount});
    *engine = new lc_engine{device->value, read, device->value.takeWeights(read.weightBytes)};
  });
}

void closeEngine(lc_engine* engine) {
  engine->device.dropWeights(engine->weights, engine->plan.weightBytes);
  delete engine;
}

lc_code engineInfo(lc_engine* engine, lc_engine_info* info, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*info);
    info->minimum = engine->plan.minimum;
    info->maximum = engine->plan.maximum;
    info->weight_bytes = engine->plan.weightBytes;
  });
}

lc_code engineMemory(lc_engine* engine, const lc_shape* shape, lc_run_memory* memory, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*memory);
    *memory = engine->device.memoryFor(engine->plan, *shape);
  });
}

lc_code submit(lc_engine* engine, const lc_run* run, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*run);
    engine->device.submit(engine->plan, *run);
  });
}

lc_code finish(lc_device* device, std::uint32_t slot, lc_error* error) {
  return guarded(error, [&] { device->value.finish(slot); });
}

constexpr lc_backend kTable = {
    .size = sizeof(lc_backend),
    .interface_version = LC_INTERFACE_VERSION,
    .name = "sim",
    .priority = 0,
    .context_open = openContext,
    .context_close = closeContext,
    .context_runtime = runtimeOf,
    .context_precisions = nullptr,
    .memory_info = memoryInfo,
    .build = build,
    .device_open = openDevice,
    .device_close = closeDevice,
    .block_alloc = allocateBlock,
    .block_free = freeBlock,
    .staging_alloc = allocateStaging,
    .staging_free = freeStaging,
    .engine_open = openEngine,
    .engine_open_network = nullptr,
    .engine_close = closeEngine,
    .engine_info = engineInfo,
    .engine_memory = engineMemory,
    .submit = submit,
    .finish = finish,
};

}  // namespace

extern "C" [[gnu::visibility("default")]] const lc_backend* lc_backend_table() {
  return &kTable;
}
