// What one open device holds: its engines and its arena. For the device's worker thread alone.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/arena.h"
#include "core/budget.h"
#include "core/device_options.h"
#include "core/jobs.h"
#include "core/network.h"

namespace lc::core {

// Functions throw Error. After LC_DEVICE_LOST only abandon() and the destructor may be called.
class DeviceSession {
 public:
  // `budget` must outlive it.
  DeviceSession(const DeviceOptions& options, Budget& budget);
  // Nothing may be in flight, unless the device is lost.
  ~DeviceSession();
  DeviceSession(const DeviceSession&) = delete;
  DeviceSession& operator=(const DeviceSession&) = delete;

  EngineInfo loadEngine(const PlanLocation& plan);
  EngineInfo loadNetwork(const Network& network);
  void unloadEngine(std::uint32_t engine);
  RunMemory memoryFor(std::uint32_t engine, const lc_shape& shape);

  // Checks the request and says what its run needs.
  lc_run_memory prepare(const EncodeRequest& request);
  // Copies the images to the slot's staging buffer and starts the run; the slot must be free. The arena must
  // be able to hold it, which only the caller can see to.
  void submit(const EncodeRequest& request, std::uint32_t slot);
  // Waits for the slot.
  void finish(std::uint32_t slot);
  // The result of a finished slot.
  void copyOutput(std::uint32_t slot, std::span<float> output) const;

  Arena& arena() { return *arena_; }
  std::uint64_t arenaBytes() const { return arena_->bytes(); }
  std::uint64_t enginesLoaded() const { return engines_.size(); }
  // The device is lost: nothing of the arena is freed.
  void abandon() { arena_->abandon(); }

 private:
  struct CloseDevice {
    const lc_backend* backend;
    void operator()(lc_device* device) const { backend->device_close(device); }
  };
  struct CloseEngine {
    const lc_backend* backend;
    void operator()(lc_engine* engine) const { backend->engine_close(engine); }
  };
  // What the back-end calls.
  struct Host {
    Budget& budget;
    Log log;
    lc_host functions;
  };

  // Takes an engine that was just opened.
  EngineInfo own(lc_engine* opened);
  lc_engine* find(std::uint32_t engine) const;
  lc_run_memory runMemory(std::uint32_t engine, const lc_shape& shape) const;

  const std::shared_ptr<Context> context_;
  const lc_backend& backend_;
  const std::uint32_t slots_;
  Host host_;
  // In this order: the arena goes first, the device last.
  std::unique_ptr<lc_device, CloseDevice> device_;
  std::unordered_map<std::uint32_t, std::unique_ptr<lc_engine, CloseEngine>> engines_;
  std::unique_ptr<Arena> arena_;
  std::uint32_t nextEngine_ = 1;
};

}  // namespace lc::core
