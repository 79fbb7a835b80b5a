// See fake_cuda.h. The signatures are those of cuda/runtime.h.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>

#include "cuda/runtime.h"
#include "fake_cuda.h"
#include "settings.h"

struct CUevent_st {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t recorded = 0;
  std::uint64_t reached = 0;

  void reach(std::uint64_t number) {
    const std::lock_guard lock(mutex);
    if (number > reached) reached = number;
    changed.notify_all();
  }
  void wait(std::uint64_t number) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return reached >= number; });
  }
};

struct CUstream_st {
  CUstream_st() : thread([this] { run(); }) {}
  ~CUstream_st() {
    push({});
    thread.join();
  }

  void push(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(work));
    changed.notify_all();
  }
  void drain() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return queue.empty(); });
  }

 private:
  // Work leaves the queue when it is done; empty work ends the thread.
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return !queue.empty(); });
      const std::function<void()> work = queue.front();
      lock.unlock();
      if (work) work();
      lock.lock();
      queue.pop_front();
      changed.notify_all();
      if (!work) return;
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  std::thread thread;
};

namespace {

using namespace lc::cuda;

constexpr int kInvalidValue = 1;
constexpr int kLost = 719;  // cudaErrorLaunchFailure
constexpr std::uint64_t kGranule = 512;
constexpr unsigned char kPoison = 0xA5;
constexpr lc_fake_cuda_options kDefaults = {std::uint64_t{8} << 30, 1, 13000, 13000, 200, 0, 0, 0};

struct Block {
  std::uint64_t bytes;    // asked
  std::uint64_t rounded;  // of the capacity
};

struct World {
  std::mutex mutex;
  lc_fake_cuda_options options = kDefaults;
  std::map<const unsigned char*, Block> device;
  std::map<const unsigned char*, Block> host;
  std::set<CUstream_st*> streams;
  std::set<CUevent_st*> events;
  std::uint64_t used = 0;
  std::uint64_t hostUsed = 0;
  std::int64_t mallocs = 0;
  std::int64_t calls = 0;
  std::atomic<std::int64_t> misuse = 0;
  std::atomic<bool> lost = false;
  std::atomic<int> lastError = kSuccess;

  World() {
    const Settings settings("LC_FAKE_CUDA");
    options.capacity = settings.get("capacity", options.capacity);
    options.devices = settings.get("devices", options.devices);
    options.driver_version = settings.get("driver", options.driver_version);
    options.copy_us = settings.get("copy_us", options.copy_us);
    options.fail_malloc_at = settings.get("fail_malloc_at", options.fail_malloc_at);
    options.lose_at = settings.get("lose_at", options.lose_at);
  }
};

// Never destroyed: threads may outlive main().
World& world() {
  static World* const instance = new World();
  return *instance;
}

int remember(int code) {
  if (code != kSuccess) world().lastError = code;
  return code;
}

// Counts a call. Anything but kSuccess is its answer.
int begin() {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (++w.calls == w.options.lose_at) w.lost = true;
  return w.lost ? remember(kLost) : kSuccess;
}

bool contains(const std::map<const unsigned char*, Block>& blocks, const void* memory, std::uint64_t bytes) {
  const auto* at = static_cast<const unsigned char*>(memory);
  auto next = blocks.upper_bound(at);
  if (next == blocks.begin()) return false;
  --next;
  return at + bytes <= next->first + next->second.bytes;
}

std::set<CUstream_st*> allStreams() {
  const std::lock_guard lock(world().mutex);
  return world().streams;
}

int currentDevice = 0;

}  // namespace

extern "C" {

void lc_fake_cuda_defaults(lc_fake_cuda_options* options) {
  *options = kDefaults;
}

void lc_fake_cuda_reset(const lc_fake_cuda_options* options) {
  World& w = world();
  for (CUstream_st* stream : allStreams()) delete stream;
  const std::lock_guard lock(w.mutex);
  for (CUevent_st* event : w.events) delete event;
  for (auto& [memory, block] : w.device) std::free(const_cast<unsigned char*>(memory));
  for (auto& [memory, block] : w.host) std::free(const_cast<unsigned char*>(memory));
  w.streams.clear();
  w.events.clear();
  w.device.clear();
  w.host.clear();
  w.used = w.hostUsed = 0;
  w.mallocs = w.calls = 0;
  w.misuse = 0;
  w.lost = false;
  w.lastError = kSuccess;
  w.options = *options;
}

void lc_fake_cuda_query(lc_fake_cuda_state* state) {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  *state = {w.used, w.hostUsed, w.streams.size(), w.events.size(), w.mallocs, w.calls, w.misuse};
}

int lc_fake_cuda_launch(CUstream_st* stream, void (*function)(void*), void* argument) {
  if (const int code = begin()) return code;
  stream->push([=] { function(argument); });
  return kSuccess;
}

int lc_fake_cuda_is_live(const void* memory, std::uint64_t bytes) {
  const std::lock_guard lock(world().mutex);
  return contains(world().device, memory, bytes) ? 1 : 0;
}

int cudaRuntimeGetVersion(int* version) {
  *version = world().options.runtime_version;
  return kSuccess;
}

int cudaDriverGetVersion(int* version) {
  *version = world().options.driver_version;
  return kSuccess;
}

int cudaGetDeviceCount(int* count) {
  const lc_fake_cuda_options& options = world().options;
  if (options.driver_version < options.runtime_version) return remember(kInsufficientDriver);
  if (options.devices == 0) return remember(kNoDevice);
  *count = options.devices;
  return begin();
}

int cudaSetDevice(int device) {
  if (const int code = begin()) return code;
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  currentDevice = device;
  return kSuccess;
}

int cudaGetDevice(int* device) {
  *device = currentDevice;
  return begin();
}

int cudaDeviceGetAttribute(int* value, int attribute, int device) {
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  // a card of compute capability 8.6 with 28 multiprocessors; the rest is any number
  *value = attribute == 75 ? 8 : attribute == 76 ? 6 : attribute == 16 ? 28 : 100 + attribute;
  return begin();
}

int cudaDeviceGetPCIBusId(char* text, int size, int device) {
  const std::string id = "0000:0" + std::to_string(device) + ":00.0";
  std::strncpy(text, id.c_str(), static_cast<std::size_t>(size));
  return begin();
}

// The name first, and the bytes of the card where struct cudaDeviceProp has them.
int cudaGetDeviceProperties(void* properties, int device) {
  if (device < 0 || device >= world().options.devices) return remember(kInvalidDevice);
  auto* bytes = static_cast<char*>(properties);
  std::strcpy(bytes, "Simulated GPU");
  const std::uint64_t total = world().options.capacity;
  std::memcpy(bytes + 288, &total, sizeof total);
  return begin();
}

int cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  *free = w.options.capacity - w.used;
  *total = w.options.capacity;
  return kSuccess;
}

int cudaMalloc(void** memory, std::size_t bytes) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  const std::uint64_t rounded = (bytes + kGranule - 1) / kGranule * kGranule;
  if (++w.mallocs == w.options.fail_malloc_at || rounded > w.options.capacity - w.used) {
    return remember(kMemoryAllocation);
  }
  auto* block = static_cast<unsigned char*>(std::aligned_alloc(kGranule, rounded));
  std::memset(block, kPoison, rounded);
  w.device[block] = {bytes, rounded};
  w.used += rounded;
  *memory = block;
  return kSuccess;
}

int cudaFree(void* memory) {
  if (const int code = begin()) return code;
  if (memory == nullptr) return kSuccess;
  // as the real one, it waits for the device
  for (CUstream_st* stream : allStreams()) stream->drain();
  World& w = world();
  const std::lock_guard lock(w.mutex);
  const auto known = w.device.find(static_cast<unsigned char*>(memory));
  if (known == w.device.end()) {
    ++w.misuse;
    return remember(kInvalidValue);
  }
  w.used -= known->second.rounded;
  w.device.erase(known);
  std::free(memory);
  return kSuccess;
}

int cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  if (const int code = begin()) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.options.fail_host_alloc != 0) return remember(kMemoryAllocation);
  const std::uint64_t rounded = (bytes + kGranule - 1) / kGranule * kGranule;
  auto* block = static_cast<unsigned char*>(std::aligned_alloc(kGranule, rounded));
  w.host[block] = {bytes, rounded};
  w.hostUsed += rounded;
  *memory = block;
  return kSuccess;
}

int cudaFreeHost(void* memory) {
  if (const int code = begin()) return code;
  for (CUstream_st* stream : allStreams()) stream->drain();
  World& w = world();
  const std::lock_guard lock(w.mutex);
  const auto known = w.host.find(static_cast<unsigned char*>(memory));
  if (known == w.host.end()) {
    ++w.misuse;
    return remember(kInvalidValue);
  }
  w.hostUsed -= known->second.rounded;
  w.host.erase(known);
  std::free(memory);
  return kSuccess;
}

int cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, int kind, CUstream_st* stream) {
  if (const int code = begin()) return code;
  const void* onDevice = kind == kHostToDevice ? to : from;
  if (lc_fake_cuda_is_live(onDevice, bytes) == 0) {
    ++world().misuse;
    return remember(kInvalidValue);
  }
  stream->push([=] {
    if (world().lost) return;
    std::this_thread::sleep_for(std::chrono::microseconds(world().options.copy_us));
    std::memcpy(to, from, bytes);
  });
  return kSuccess;
}

int cudaStreamCreateWithFlags(CUstream_st** stream, unsigned) {
  if (const int code = begin()) return code;
  auto* created = new CUstream_st();
  const std::lock_guard lock(world().mutex);
  world().streams.insert(created);
  *stream = created;
  return kSuccess;
}

int cudaStreamDestroy(CUstream_st* stream) {
  if (const int code = begin()) return code;
  {
    const std::lock_guard lock(world().mutex);
    if (world().streams.erase(stream) == 0) {
      ++world().misuse;
      return remember(kInvalidValue);
    }
  }
  delete stream;
  return kSuccess;
}

int cudaStreamSynchronize(CUstream_st* stream) {
  if (const int code = begin()) return code;
  stream->drain();
  return world().lost ? remember(kLost) : kSuccess;
}

int cudaStreamWaitEvent(CUstream_st* stream, CUevent_st* event, unsigned) {
  if (const int code = begin()) return code;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(event->mutex);
    number = event->recorded;
  }
  stream->push([=] { event->wait(number); });
  return kSuccess;
}

int cudaEventCreateWithFlags(CUevent_st** event, unsigned) {
  if (const int code = begin()) return code;
  auto* created = new CUevent_st();
  const std::lock_guard lock(world().mutex);
  world().events.insert(created);
  *event = created;
  return kSuccess;
}

int cudaEventDestroy(CUevent_st* event) {
  if (const int code = begin()) return code;
  for (CUstream_st* stream : allStreams()) stream->drain();
  const std::lock_guard lock(world().mutex);
  if (world().events.erase(event) == 0) {
    ++world().misuse;
    return remember(kInvalidValue);
  }
  delete event;
  return kSuccess;
}

int cudaEventRecord(CUevent_st* event, CUstream_st* stream) {
  if (const int code = begin()) return code;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(event->mutex);
    number = ++event->recorded;
  }
  stream->push([=] { event->reach(number); });
  return kSuccess;
}

int cudaEventSynchronize(CUevent_st* event) {
  if (const int code = begin()) return code;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(event->mutex);
    number = event->recorded;
  }
  event->wait(number);
  return world().lost ? remember(kLost) : kSuccess;
}

int cudaGetLastError() {
  const int last = world().lastError;
  if (!world().lost) world().lastError = kSuccess;
  return last;
}

const char* cudaGetErrorName(int code) {
  switch (code) {
    case kMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case kInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case kNoDevice:
      return "cudaErrorNoDevice";
    case kInvalidDevice:
      return "cudaErrorInvalidDevice";
    case kLost:
      return "cudaErrorLaunchFailure";
    default:
      return "cudaErrorInvalidValue";
  }
}

const char* cudaGetErrorString(int code) {
  return cudaGetErrorName(code);
}

}  // extern "C"
