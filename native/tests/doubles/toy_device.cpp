#include "toy_device.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace lc::toy {

namespace {

std::mutex countersMutex;
lc_toy_counters counters{};

// A run that uses the activations at the same time as this one leaves another mark.
struct Mark {
  std::uint64_t* place;
  std::uint64_t value;
  void set() const { *place = value; }
  bool intact() const { return *place == value; }
};

void compute(const Network& network, const lc_run& run) {
  const auto* pixels = static_cast<const std::uint8_t*>(run.device_input);
  auto* moments = static_cast<float*>(run.device_output);
  const lc_shape& shape = run.shape;
  for (std::uint32_t n = 0; n < shape.count; ++n) {
    for (std::size_t c = 0; c < network.bias.size(); ++c) {
      for (std::uint32_t y = 0; y + network.stride <= shape.height; y += network.stride) {
        for (std::uint32_t x = 0; x + network.stride <= shape.width; x += network.stride) {
          const std::size_t pixel = (std::size_t{n} * shape.height + y) * shape.width + x;
          *moments++ = static_cast<float>(pixels[pixel * 3 + c % 3]) + network.bias[c];
        }
      }
    }
  }
}

}  // namespace

void misuse(const char* what) {
  const std::lock_guard lock(countersMutex);
  ++counters.misuses;
  std::snprintf(counters.misuse, sizeof counters.misuse, "%s", what);
}

void count(void (*change)(lc_toy_counters& counters, std::uint64_t amount), std::uint64_t amount) {
  const std::lock_guard lock(countersMutex);
  change(counters, amount);
}

lc_code report(lc_error* error, lc_code code, const char* operation, const char* message) {
  error->code = code;
  error->bytes_asked = error->bytes_free = 0;
  std::snprintf(error->operation, sizeof error->operation, "%s", operation);
  std::snprintf(error->message, sizeof error->message, "%s", message);
  return code;
}

Device::Device(const lc_host& host, std::uint32_t slots)
    : host_(host),
      options_(Words::ofEnvironment()),
      capacity_(options_("capacity", std::uint64_t{1} << 30)),
      caller_(std::this_thread::get_id()),
      slots_(slots) {
  count([](auto& all, auto) { ++all.live_devices; }, 0);
  thread_ = std::thread([this] { work(); });
}

Device::~Device() {
  if (engines != 0) misuse("a device is closed before its engines");
  {
    const std::lock_guard lock(mutex_);
    if (!lost_ && !blocks_.empty()) misuse("a device is closed before its blocks are freed");
    if (!lost_ && std::ranges::any_of(slots_, &Slot::taken)) misuse("a device is closed with runs in flight");
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  while (!blocks_.empty()) release(blocks_.begin()->first);
  count([](auto& all, auto) { --all.live_devices; }, 0);
}

lc_code Device::enter(const char* function, lc_error* error) {
  if (std::this_thread::get_id() != caller_) misuse("a call from another thread than the device's");
  const std::lock_guard lock(mutex_);
  if (!lost_) return LC_OK;
  if (reported_) misuse(function);
  if (error == nullptr) return LC_DEVICE_LOST;
  reported_ = true;
  return report(error, LC_DEVICE_LOST, function, "the toy device is lost");
}

lc_code Device::grant(std::uint64_t bytes, lc_error* error) {
  ++allocations_;
  const std::uint64_t left = capacity_ - used_;
  if (allocations_ == options_("fail_alloc", 0) || bytes > left) {
    report(error, LC_OUT_OF_MEMORY, "toyAlloc", "the toy device is out of memory");
    error->bytes_asked = bytes;
    error->bytes_free = left;
    return LC_OUT_OF_MEMORY;
  }
  used_ += bytes;
  count([](auto& all, auto amount) { all.live_bytes += amount; }, bytes);
  return LC_OK;
}

lc_code Device::allocate(std::uint64_t bytes, void** block, lc_error* error) {
  if (const lc_code code = grant(bytes, error); code != LC_OK) return code;
  *block = std::aligned_alloc(LC_ALIGNMENT, (bytes + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT);
  blocks_[*block] = {bytes, true};
  return LC_OK;
}

lc_code Device::allocateStaging(std::uint64_t bytes, void** block, lc_error* error) {
  if (++stagings_ == options_("fail_staging", 0)) {
    return report(error, LC_HOST_MEMORY, "toyHostAlloc", "the toy has no staging memory");
  }
  *block = std::malloc(bytes);
  blocks_[*block] = {bytes, false};
  count([](auto& all, auto amount) { all.live_bytes += amount; }, bytes);
  return LC_OK;
}

void Device::release(void* block) {
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) return misuse("a block is freed that was not allocated");
  const auto [bytes, onDevice] = found->second;
  if (onDevice) used_ -= bytes;
  count([](auto& all, auto amount) { all.live_bytes -= amount; }, bytes);
  std::free(block);
  blocks_.erase(found);
}

lc_code Device::takeWeights(std::uint64_t bytes, lc_error* error) {
  std::uint64_t available = 0;
  if (host_.reserve(host_.self, bytes, &available) == 0) {
    report(error, LC_OUT_OF_MEMORY, "reserve", "the budget has no room for the weights");
    error->bytes_asked = bytes;
    error->bytes_free = available;
    return LC_OUT_OF_MEMORY;
  }
  const lc_code code = grant(bytes, error);
  if (code != LC_OK) host_.release(host_.self, bytes);
  return code;
}

void Device::dropWeights(std::uint64_t bytes) {
  used_ -= bytes;
  count([](auto& all, auto amount) { all.live_bytes -= amount; }, bytes);
  host_.release(host_.self, bytes);
}

bool Device::contains(const void* address, std::uint64_t bytes) const {
  return std::ranges::any_of(blocks_, [&](const auto& each) {
    const auto* first = static_cast<const std::byte*>(each.first);
    const auto* inside = static_cast<const std::byte*>(address);
    return inside >= first && inside + bytes <= first + each.second.first;
  });
}

lc_code Device::submit(const Network& network, const lc_run& run, lc_error* error) {
  const std::uint64_t input = std::uint64_t{3} * run.shape.count * run.shape.height * run.shape.width;
  const std::uint64_t output = network.outputFloats(run.shape) * sizeof(float);
  if (!contains(run.activations, run.activation_bytes) || !contains(run.device_input, input) ||
      !contains(run.device_output, output) || !contains(run.host_input, input) ||
      !contains(run.host_output, output)) {
    misuse("a run lies outside of the memory that was allocated");
    return report(error, LC_INVALID, "submit", "memory");
  }
  if (++submits_ == options_("fail_submit", 0)) {
    return report(error, LC_INTERNAL, "toySubmit", "the toy refused a run");
  }
  std::uint64_t inFlight = 0;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(slots_[run.slot].taken, true)) misuse("a slot is used that is not free");
    slots_[run.slot].done = false;
    queue_.push_back({network, run});
    inFlight = static_cast<std::uint64_t>(std::ranges::count_if(slots_, &Slot::taken));
  }
  changed_.notify_all();
  count(
      [](auto& all, auto amount) {
        ++all.runs;
        all.most_in_flight = std::max(all.most_in_flight, amount);
      },
      inFlight);
  return LC_OK;
}

lc_code Device::finish(std::uint32_t slot, lc_error* error) {
  std::unique_lock lock(mutex_);
  if (!slots_[slot].taken) misuse("finish of a free slot");
  changed_.wait(lock, [&] { return slots_[slot].done || lost_; });
  slots_[slot].taken = false;
  if (slots_[slot].done) return LC_OK;
  if (std::exchange(reported_, true)) misuse("finish on a lost device");
  return report(error, LC_DEVICE_LOST, "toySynchronize", "the toy device is lost");
}

void Device::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (closing_) return;
    const auto [network, run] = std::move(queue_.front());
    queue_.pop_front();
    if (++runs_ == options_("lose_at", 0)) {
      lost_ = true;
      changed_.notify_all();
      return;
    }
    const std::uint64_t id = runs_;
    lock.unlock();
    const std::uint64_t outputBytes = network.outputFloats(run.shape) * sizeof(float);
    std::memset(run.host_output, 0xff, outputBytes);
    std::memset(run.device_output, 0xff, outputBytes);
    std::memcpy(run.device_input, run.host_input,
                std::size_t{3} * run.shape.count * run.shape.height * run.shape.width);
    const Mark mark{static_cast<std::uint64_t*>(run.activations), id};
    mark.set();
    std::this_thread::sleep_for(std::chrono::milliseconds(options_("run_ms", 0)));
    compute(network, run);
    if (!mark.intact()) misuse("activations are used by two runs at once");
    std::memcpy(run.host_output, run.device_output, outputBytes);
    lock.lock();
    slots_[run.slot].done = true;
    changed_.notify_all();
  }
}

}  // namespace lc::toy

extern "C" __attribute__((visibility("default"))) void lc_toy_read_counters(lc_toy_counters* result) {
  const std::lock_guard lock(lc::toy::countersMutex);
  *result = lc::toy::counters;
}
