#include "fake_cuda/world.h"

#include "settings.h"

namespace fake {

World::World() {
  const Settings settings("LC_FAKE_CUDA");
  options.capacity = settings.get("capacity", options.capacity);
  options.devices = settings.get("devices", options.devices);
  options.driver_version = settings.get("driver", options.driver_version);
  options.copy_us = settings.get("copy_us", options.copy_us);
  options.fail_malloc_at = settings.get("fail_malloc_at", options.fail_malloc_at);
  options.lose_at = settings.get("lose_at", options.lose_at);
  options.lose_at_launch = settings.get("lose_at_launch", options.lose_at_launch);
}

World& world() {
  static World* const instance = new World();
  return *instance;
}

thread_local int currentDevice = 0;
thread_local int lastError = kSuccess;

int remember(int code) {
  if (code != kSuccess) lastError = code;
  return code;
}

int misused() {
  ++world().misuse;
  return remember(kInvalidValue);
}

int lossIfAny() {
  if (!world().lost) return kSuccess;
  world().lossIsKnown = true;
  return remember(kLost);
}

int begin(Purpose purpose) {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.lossIsKnown) ++w.callsAfterLoss;
  if (++w.calls == w.options.lose_at) w.lost = true;
  if (const int loss = lossIfAny()) return loss;
  const bool fails = purpose == Purpose::kUse && w.failIn > 0 && --w.failIn == 0;
  return fails ? remember(kUnknown) : kSuccess;
}

bool contains(const Blocks& blocks, const void* memory, std::uint64_t bytes) {
  const auto* at = static_cast<const unsigned char*>(memory);
  auto next = blocks.upper_bound(at);
  if (next == blocks.begin()) return false;
  --next;
  return at + bytes <= next->first + next->second.bytes;
}

std::uint64_t sizeOn(int device) {
  std::uint64_t bytes = 0;
  for (const auto& [memory, block] : world().device) bytes += block.device == device ? block.rounded : 0;
  return bytes;
}

void waitForDevices() {
  std::vector<CUstream_st*> all;
  {
    const std::lock_guard lock(world().mutex);
    for (const auto& [handle, stream] : world().streams) all.push_back(handle);
    for (const auto& stream : world().retired) all.push_back(stream.get());
  }
  for (CUstream_st* stream : all) stream->drain();
}

std::shared_ptr<CUevent_st> find(CUevent_st* event) {
  const std::lock_guard lock(world().mutex);
  const auto known = world().events.find(event);
  return known == world().events.end() ? nullptr : known->second;
}

bool isKnown(CUstream_st* stream) {
  const std::lock_guard lock(world().mutex);
  return world().streams.contains(stream);
}

}  // namespace fake
