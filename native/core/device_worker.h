// A device with a thread of its own that does all of its work in order. Up to `slots` encodes are on the
// device at once; to keep it busy a caller has one more waiting.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "core/device_options.h"
#include "core/jobs.h"
#include "core/network.h"

namespace lc::core {

struct DeviceCounters {
  std::uint64_t memoryBudget;
  std::uint64_t memoryUsed;
  std::uint64_t memoryPeak;
  std::uint64_t memoryDenied;
  std::uint64_t arenaBytes;
  std::uint64_t enginesLoaded;
  // Encodes without an answer yet: before the device, and on it.
  std::uint64_t waiting;
  std::uint64_t running;
};

// Every function may be called from any thread, also from a completion.
//
// Completions are called exactly once each: on the worker thread, or, for a job that is cancelled or dropped
// while it waits, on the thread that does so. Jobs fail with kClosed when the device is closed before their
// turn, with LC_DEVICE_LOST after the device was lost, with the error of opening when it did not open. A
// function that throws (std::bad_alloc) has taken nothing on.
class DeviceWorker {
 public:
  // Starts the thread, which opens the device and then calls `opened`. Throws Error when there is no thread
  // to be had.
  DeviceWorker(DeviceOptions options, Completion<> opened);
  // Closes and waits for the thread.
  ~DeviceWorker();
  DeviceWorker(const DeviceWorker&) = delete;
  DeviceWorker& operator=(const DeviceWorker&) = delete;

  // Errors beside the general ones: kFileUnreadable, LC_ENGINE_INVALID, LC_OUT_OF_MEMORY.
  void loadEngine(PlanLocation plan, Completion<EngineInfo> done);
  // The same from layers. LC_UNSUPPORTED: the back-end takes plans only, or not this precision;
  // LC_OUT_OF_MEMORY, LC_HOST_MEMORY.
  void loadNetwork(Network network, Completion<EngineInfo> done);
  // LC_INVALID: no such engine.
  void unloadEngine(std::uint32_t engine, Completion<> done);
  // Runs nothing. LC_INVALID: no such engine; LC_SHAPE.
  void memoryFor(std::uint32_t engine, lc_shape shape, Completion<RunMemory> done);
  // LC_INVALID: no such engine, or images or output of another size than the shape asks for; LC_SHAPE,
  // LC_OUT_OF_MEMORY, LC_HOST_MEMORY, LC_CANCELLED.
  void encode(EncodeRequest request, Completion<> done);
  // A waiting job fails with LC_CANCELLED before this returns; one on the device does so when it ends. False:
  // no such job, or it has ended.
  bool cancel(std::uint64_t ticket);
  // Frees the arena and the staging buffers.
  void trim(Completion<> done);
  DeviceCounters counters() const;

  // Drops what waits, finishes what is on the device, frees everything, then calls `closed` (which gets no
  // error). Does not wait. On a closed device `closed` is called at once.
  void close(Completion<> closed);

 private:
  class State;
  // Shared with the thread, which may outlive this object when a completion destroys it.
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace lc::core
