// Streams and events.
#include "fake_cuda/world.h"

using namespace fake;

extern "C" {

int cudaStreamCreateWithFlags(CUstream_st** stream, unsigned) {
  if (const int code = begin()) return code;
  auto created = std::make_unique<CUstream_st>();
  *stream = created.get();
  const std::lock_guard lock(world().mutex);
  world().streams[*stream] = std::move(created);
  return kSuccess;
}

// Returns at once; what is queued still runs.
int cudaStreamDestroy(CUstream_st* stream) {
  if (const int code = begin(Purpose::kRelease)) return code;
  World& w = world();
  const std::lock_guard lock(w.mutex);
  const auto known = w.streams.find(stream);
  if (known == w.streams.end()) return misused();
  stream->end();
  w.retired.push_back(std::move(known->second));
  w.streams.erase(known);
  return kSuccess;
}

int cudaStreamSynchronize(CUstream_st* stream) {
  if (const int code = begin()) return code;
  if (!isKnown(stream)) return misused();
  stream->drain();
  return lossIfAny();
}

int cudaStreamWaitEvent(CUstream_st* stream, CUevent_st* event, unsigned) {
  if (const int code = begin()) return code;
  const auto known = find(event);
  if (known == nullptr || !isKnown(stream)) return misused();
  stream->push([known, number = known->recorded()] { known->wait(number); });
  return kSuccess;
}

int cudaEventCreateWithFlags(CUevent_st** event, unsigned) {
  if (const int code = begin()) return code;
  auto created = std::make_shared<CUevent_st>();
  *event = created.get();
  const std::lock_guard lock(world().mutex);
  world().events[*event] = std::move(created);
  return kSuccess;
}

int cudaEventDestroy(CUevent_st* event) {
  if (const int code = begin(Purpose::kRelease)) return code;
  const std::lock_guard lock(world().mutex);
  return world().events.erase(event) == 0 ? misused() : kSuccess;
}

int cudaEventRecord(CUevent_st* event, CUstream_st* stream) {
  if (const int code = begin()) return code;
  const auto known = find(event);
  if (known == nullptr || !isKnown(stream)) return misused();
  stream->push([known, number = known->record()] { known->reach(number); });
  return kSuccess;
}

int cudaEventSynchronize(CUevent_st* event) {
  if (const int code = begin()) return code;
  const auto known = find(event);
  if (known == nullptr) return misused();
  known->wait(known->recorded());
  return lossIfAny();
}

}  // extern "C"
