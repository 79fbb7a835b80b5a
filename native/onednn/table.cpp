// The C interface: each function is one guarded call.
#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <unordered_map>

#include "core/lc_backend.h"
#include "onednn/device.h"
#include "onednn/engine.h"
#include "onednn/host_memory.h"
#include "onednn/precisions.h"
#include "onednn/primitives.h"
#include "plugin/failure.h"

using lc::plugin::Failure;
using lc::plugin::requireSize;

struct lc_context {
  std::string runtime;
};

struct lc_device {
  lc::onednn::Device value;
  // Sizes of the blocks, by address.
  std::unordered_map<void*, std::uint64_t> blocks;
};

struct lc_engine {
  lc::onednn::Engine value;
};

namespace {

// What oneDNN reports is a mistake of ours, but for memory that it allocates itself.
template <typename Work>
lc_code guarded(lc_error* error, Work work) noexcept {
  return lc::plugin::guarded(error, [&] {
    try {
      work();
    } catch (const dnnl::error& problem) {
      if (problem.status == dnnl_out_of_memory) throw std::bad_alloc();
      throw Failure(LC_INTERNAL, "oneDNN", problem.what());
    }
  });
}

lc_code openContext(const lc_options* options, lc_context** context, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    *context =
        new lc_context{std::string(lc::onednn::libraryVersion()) + ", " + lc::onednn::instructionSet()};
  });
}

void closeContext(lc_context* context) {
  delete context;
}

const char* runtimeOf(const lc_context* context) {
  return context->runtime.c_str();
}

std::uint32_t precisionsOf(const lc_context*, const lc_precision** precisions) {
  const std::span<const lc_precision> all = lc::onednn::precisions();
  *precisions = all.data();
  return static_cast<std::uint32_t>(all.size());
}

lc_code memoryInfo(lc_context*, std::uint32_t device, std::uint64_t* freeBytes, std::uint64_t* totalBytes,
                   lc_error* error) {
  return guarded(error, [&] {
    if (device != 0) throw Failure(LC_NO_DEVICE, "", "The CPU is device 0");
    const lc::onednn::MemoryInfo info = lc::onednn::memoryInfo();
    *freeBytes = info.freeBytes;
    *totalBytes = info.totalBytes;
  });
}

lc_code build(lc_context*, const lc_build*, lc_error* error) {
  return guarded(error,
                 [] { throw Failure(LC_UNSUPPORTED, "build", "The CPU takes layers, it builds no plans"); });
}

lc_code openDevice(lc_context*, const lc_device_options* options, const lc_host* host, lc_device** opened,
                   lc_error* error) {
  return guarded(error, [&] {
    requireSize(*options);
    requireSize(*host);
    *opened = new lc_device{lc::onednn::Device(*options, *host), {}};
  });
}

void closeDevice(lc_device* device) {
  delete device;
}

lc_code allocateBlock(lc_device* device, std::uint64_t bytes, void** block, lc_error* error) {
  return guarded(error, [&] {
    void* pages = lc::onednn::DeviceMemory::mapReserved(bytes);
    try {
      device->blocks.emplace(pages, bytes);
    } catch (...) {
      lc::onednn::unmapPages(pages, bytes);
      throw;
    }
    *block = pages;
  });
}

void freeBlock(lc_device* device, void* block) {
  const auto found = device->blocks.find(block);
  lc::onednn::unmapPages(block, found->second);
  device->blocks.erase(found);
}

lc_code allocateStaging(lc_device*, std::uint64_t bytes, void** block, lc_error* error) {
  return guarded(error, [&] { *block = ::operator new(bytes, std::align_val_t{LC_ALIGNMENT}); });
}

void freeStaging(lc_device*, void* block) {
  ::operator delete(block, std::align_val_t{LC_ALIGNMENT});
}

lc_code openEngine(lc_device*, const void*, std::uint64_t, lc_engine**, lc_error* error) {
  return guarded(
      error, [] { throw Failure(LC_UNSUPPORTED, "engine_open", "The CPU takes layers, it loads no plans"); });
}

lc_code openNetwork(lc_device* device, const lc_network* network, lc_engine** engine, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*network);
    const auto known = lc::onednn::precisions();
    if (std::find(known.begin(), known.end(), network->precision) == known.end()) {
      throw Failure(LC_UNSUPPORTED, "",
                    "Precision " + std::to_string(network->precision) + " is none that oneDNN has with " +
                        lc::onednn::instructionSet());
    }
    *engine = new lc_engine{lc::onednn::Engine(device->value, *network)};
  });
}

void closeEngine(lc_engine* engine) {
  delete engine;
}

lc_code engineInfo(lc_engine* engine, lc_engine_info* info, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*info);
    *info = engine->value.info();
  });
}

lc_code engineMemory(lc_engine* engine, const lc_shape* shape, lc_run_memory* memory, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*memory);
    *memory = engine->value.memoryFor(*shape);
  });
}

// The caller's thread is one of those that compute, so the run is over when this returns.
lc_code submit(lc_engine* engine, const lc_run* run, lc_error* error) {
  return guarded(error, [&] {
    requireSize(*run);
    engine->value.run(*run);
  });
}

lc_code finish(lc_device*, std::uint32_t, lc_error*) {
  return LC_OK;
}

constexpr lc_backend kTable = {
    .size = sizeof(lc_backend),
    .interface_version = LC_INTERFACE_VERSION,
    .name = "onednn",
    .priority = 1,
    .context_open = openContext,
    .context_close = closeContext,
    .context_runtime = runtimeOf,
    .context_precisions = precisionsOf,
    .memory_info = memoryInfo,
    .build = build,
    .device_open = openDevice,
    .device_close = closeDevice,
    .block_alloc = allocateBlock,
    .block_free = freeBlock,
    .staging_alloc = allocateStaging,
    .staging_free = freeStaging,
    .engine_open = openEngine,
    .engine_open_network = openNetwork,
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
