// Another back-end whose k-th request for memory fails: blocks, staging buffers and what it reserves of the
// budget, counted together. LC_FAILING_PLUGIN names that back-end, LC_FAILING_AT is k (0: none). When a
// device is closed, LC_FAILING_REPORT gets one line with the requests so far and the bytes that were not
// given back.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "core/lc_backend.h"

namespace {

struct Ledger {
  std::mutex mutex;
  std::uint64_t requests = 0;
  std::uint64_t live = 0;
  std::map<void*, std::uint64_t> blocks;
};
Ledger ledger;

const lc_backend& inner() {
  static const lc_backend* const backend = [] {
    void* library = ::dlopen(std::getenv("LC_FAILING_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
    void* symbol = library == nullptr ? nullptr : ::dlsym(library, LC_BACKEND_SYMBOL);
    if (symbol == nullptr) std::abort();
    return reinterpret_cast<lc_backend_table_function>(symbol)();
  }();
  return *backend;
}

std::uint64_t failingAt() {
  const char* text = std::getenv("LC_FAILING_AT");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

// Whether this request is the one that fails.
bool isTurnToFail() {
  const std::lock_guard lock(ledger.mutex);
  return ++ledger.requests == failingAt();
}

lc_code refuse(lc_code code, std::uint64_t bytes, lc_error* error) {
  error->code = code;
  error->bytes_asked = bytes;
  error->bytes_free = 0;
  std::snprintf(error->operation, sizeof error->operation, "failing");
  std::snprintf(error->message, sizeof error->message, "this request fails");
  return code;
}

void take(void* block, std::uint64_t bytes) {
  const std::lock_guard lock(ledger.mutex);
  ledger.blocks[block] = bytes;
  ledger.live += bytes;
}

void give(void* block) {
  const std::lock_guard lock(ledger.mutex);
  const auto found = ledger.blocks.find(block);
  if (found == ledger.blocks.end()) return;
  ledger.live -= found->second;
  ledger.blocks.erase(found);
}

lc_code blockAlloc(lc_device* device, std::uint64_t bytes, void** block, lc_error* error) {
  if (isTurnToFail()) return refuse(LC_OUT_OF_MEMORY, bytes, error);
  const lc_code code = inner().block_alloc(device, bytes, block, error);
  if (code == LC_OK) take(*block, bytes);
  return code;
}

void blockFree(lc_device* device, void* block) {
  give(block);
  inner().block_free(device, block);
}

lc_code stagingAlloc(lc_device* device, std::uint64_t bytes, void** block, lc_error* error) {
  if (isTurnToFail()) return refuse(LC_HOST_MEMORY, bytes, error);
  const lc_code code = inner().staging_alloc(device, bytes, block, error);
  if (code == LC_OK) take(*block, bytes);
  return code;
}

void stagingFree(lc_device* device, void* block) {
  give(block);
  inner().staging_free(device, block);
}

// What the back-end asks of the core goes through here. One device is open at a time.
const lc_host* core = nullptr;

std::int32_t reserve(void*, std::uint64_t bytes, std::uint64_t* available) {
  if (isTurnToFail()) {
    *available = 0;
    return 0;
  }
  const std::int32_t granted = core->reserve(core->self, bytes, available);
  const std::lock_guard lock(ledger.mutex);
  if (granted != 0) ledger.live += bytes;
  return granted;
}

void release(void*, std::uint64_t bytes) {
  core->release(core->self, bytes);
  const std::lock_guard lock(ledger.mutex);
  ledger.live -= bytes;
}

void logLine(void*, std::int32_t level, const char* text) {
  core->log(core->self, level, text);
}

lc_host between{sizeof(lc_host), nullptr, reserve, release, logLine};

lc_code deviceOpen(lc_context* context, const lc_device_options* options, const lc_host* host,
                   lc_device** opened, lc_error* error) {
  core = host;
  return inner().device_open(context, options, &between, opened, error);
}

void deviceClose(lc_device* device) {
  inner().device_close(device);
  const char* path = std::getenv("LC_FAILING_REPORT");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "a");
  if (file == nullptr) return;
  const std::lock_guard lock(ledger.mutex);
  std::fprintf(file, "%llu %llu\n", static_cast<unsigned long long>(ledger.requests),
               static_cast<unsigned long long>(ledger.live));
  std::fclose(file);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const lc_backend* lc_backend_table() {
  static const lc_backend backend = [] {
    lc_backend wrapped = inner();
    wrapped.device_open = deviceOpen;
    wrapped.device_close = deviceClose;
    wrapped.block_alloc = blockAlloc;
    wrapped.block_free = blockFree;
    wrapped.staging_alloc = stagingAlloc;
    wrapped.staging_free = stagingFree;
    return wrapped;
  }();
  return &backend;
}
