// The C interface: each function is one guarded call.
#include <memory>
#include <string>

#include "core/lc_backend.h"
#include "cuda/devices.h"
#include "tensorrt/build.h"
#include "tensorrt/context.h"
#include "tensorrt/device.h"
#include "tensorrt/engine.h"
#include "tensorrt/failure.h"

using lc::trt::Failure;
using lc::trt::guarded;
using lc::trt::requireSize;

struct lc_context {
  lc::trt::Context value;
};

struct lc_device {
  lc::trt::Device value;
};

struct lc_engine {
  lc_device& device;
  std::unique_ptr<lc::trt::Engine> value;
};

namespace {

#define LC_TEXT_OF(value) #value
#define LC_TEXT(value) LC_TEXT_OF(value)

lc_code openContext(const lc_options* options, lc_context** context, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    *context = new lc_context{lc::trt::Context(*options)};
  });
}

void closeContext(lc_context* context) {
  delete context;
}

const char* runtimeOf(const lc_context* context) {
  return context->value.runtime().c_str();
}

lc_code memoryInfo(lc_context* context, std::uint32_t device, std::uint64_t* freeBytes,
                   std::uint64_t* totalBytes, lc_error* error) {
  return guarded(error, [&] {
    const lc::cuda::MemoryInfo info = lc::cuda::memoryInfo(context->value.cuda(), static_cast<int>(device));
    *freeBytes = info.free;
    *totalBytes = info.total;
  });
}

lc_code build(lc_context* context, const lc_build* build, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*build);
    lc::trt::build(context->value, *build);
  });
}

lc_code openDevice(lc_context* context, const lc_device_options* options, const lc_host* host,
                   lc_device** opened, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    requireSize(*host);
    *opened = new lc_device{lc::trt::Device(context->value, options->device, options->slots, *host)};
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
  return guarded(error, [&] { *engine = new lc_engine{*device, device->value.openEngine(plan, byteCount)}; });
}

void closeEngine(lc_engine* engine) {
  delete engine;
}

lc_code engineInfo(lc_engine* engine, lc_engine_info* info, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*info);
    info->minimum = engine->value->minimum();
    info->maximum = engine->value->maximum();
    info->weight_bytes = engine->value->weightBytes();
  });
}

lc_code engineMemory(lc_engine* engine, const lc_shape* shape, lc_run_memory* memory, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*memory);
    const lc_run_memory needed = engine->device.value.memoryFor(*engine->value, *shape);
    memory->activation_bytes = needed.activation_bytes;
    memory->input_bytes = needed.input_bytes;
    memory->output_bytes = needed.output_bytes;
  });
}

lc_code submit(lc_engine* engine, const lc_run* run, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*run);
    engine->device.value.submit(*engine->value, *run);
  });
}

lc_code finish(lc_device* device, std::uint32_t slot, lc_error* error) {
  return guarded(error, [&] { device->value.finish(slot); });
}

constexpr lc_backend kTable = {
    .size = sizeof(lc_backend),
    .interface_version = LC_INTERFACE_VERSION,
    .name = "tensorrt" LC_TEXT(NV_TENSORRT_MAJOR),
    .priority = NV_TENSORRT_MAJOR,
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
