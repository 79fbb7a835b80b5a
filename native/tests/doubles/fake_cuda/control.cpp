// What fake_cuda.h declares.
#include <cstdlib>

#include "fake_cuda/world.h"

using namespace fake;

namespace {

std::uint64_t sizeOf(const Blocks& blocks) {
  std::uint64_t bytes = 0;
  for (const auto& [memory, block] : blocks) bytes += block.rounded;
  return bytes;
}

void freeAll(Blocks& blocks) {
  for (auto& [memory, block] : blocks) std::free(const_cast<unsigned char*>(memory));
  blocks.clear();
}

}  // namespace

extern "C" {

void lc_fake_cuda_defaults(lc_fake_cuda_options* options) {
  *options = kDefaults;
}

void lc_fake_cuda_reset(const lc_fake_cuda_options* options) {
  World& w = world();
  waitForDevices();
  const std::lock_guard lock(w.mutex);
  w.streams.clear();
  w.retired.clear();
  w.events.clear();
  freeAll(w.device);
  freeAll(w.host);
  w.mallocs = w.calls = w.callsAfterLoss = w.failIn = 0;
  w.launches = 0;
  w.misuse = 0;
  w.lost = w.lossIsKnown = false;
  lastError = kSuccess;
  w.options = *options;
}

void lc_fake_cuda_query(lc_fake_cuda_state* state) {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  *state = {};
  state->live_bytes = sizeOf(w.device);
  state->host_bytes = sizeOf(w.host);
  state->streams = w.streams.size();
  state->events = w.events.size();
  for (const auto& [handle, stream] : w.streams) state->pending += stream->pending();
  for (const auto& stream : w.retired) state->pending += stream->pending();
  state->mallocs = w.mallocs;
  state->calls = w.calls;
  state->launches = w.launches;
  state->calls_after_loss = w.callsAfterLoss;
  state->misuse = w.misuse;
}

std::uint64_t lc_fake_cuda_device_bytes(std::int32_t device) {
  const std::lock_guard lock(world().mutex);
  return sizeOn(device);
}

int lc_fake_cuda_fail_in(std::int64_t calls) {
  const std::lock_guard lock(world().mutex);
  const bool wasToCome = world().failIn > 0;
  world().failIn = calls;
  return wasToCome ? 1 : 0;
}

int lc_fake_cuda_launch(CUstream_st* stream, void (*function)(void*), void* argument) {
  if (const int code = begin()) return code;
  if (!isKnown(stream)) return misused();
  stream->push([=] {
    World& w = world();
    if (++w.launches == w.options.lose_at_launch) w.lost = true;
    function(argument);
  });
  return kSuccess;
}

int lc_fake_cuda_is_live(const void* memory, std::uint64_t bytes) {
  const std::lock_guard lock(world().mutex);
  return contains(world().device, memory, bytes) ? 1 : 0;
}

int lc_fake_cuda_is_lost(void) {
  return world().lost ? 1 : 0;
}

int lc_fake_cuda_loss_is_known(void) {
  return world().lossIsKnown ? 1 : 0;
}

}  // extern "C"
