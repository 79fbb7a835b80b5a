// A device in use: its streams, and the runs that are in flight on it.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/lc_backend.h"
#include "tensorrt/context.h"
#include "tensorrt/engine.h"
#include "tensorrt/handles.h"
#include "tensorrt/session.h"
#include "tensorrt/staging.h"

namespace lc::trt {

// Copies in, runs and copies out on three streams: while one slot computes, another's pixels come in and a
// third's moments go out. All runs compute on one stream, in order, so they can share their activations.
class Device {
 public:
  // Makes the device current on the calling thread, which must be the one that uses it. Throws Failure.
  Device(const Context& context, std::uint32_t device, std::uint32_t slots, const lc_host& host);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Throws LC_OUT_OF_MEMORY.
  void* allocateBlock(std::uint64_t bytes);
  void freeBlock(void* block) noexcept { gpu().free(block); }
  void* allocateStaging(std::uint64_t bytes);
  void freeStaging(void* block) noexcept { staging_.free(block); }

  std::unique_ptr<Engine> openEngine(const void* plan, std::uint64_t byteCount);

  lc_run_memory memoryFor(Engine& engine, const lc_shape& shape);

  void submit(Engine& engine, const lc_run& run);
  void finish(std::uint32_t slot);

 private:
  struct Slot {
    explicit Slot(Gpu& gpu) : copiedIn(gpu, 0), computed(gpu, 0), copiedOut(gpu, cuda::kEventBlockingSync) {}
    Event copiedIn;
    Event computed;
    // Waiting for it must not burn a CPU.
    Event copiedOut;
    bool isRunning = false;
  };

  Gpu& gpu() { return session_->gpu(); }
  Slot& slotAt(std::uint32_t index);
  void queue(Engine& engine, const lc_run& run, Slot& slot);
  void record(const Event& event, const Stream& stream);
  void waitFor(const Event& event, const Stream& stream);
  void copy(void* target, const void* source, std::uint64_t bytes, cuda::CopyKind kind, const Stream& stream);
  void settle() noexcept;

  const lc_host host_;
  Session::Pointer session_;
  Object<nvinfer1::IRuntime> runtime_;
  Stream copyIn_;
  Stream copyOut_;
  std::vector<std::unique_ptr<Slot>> slots_;
  Staging staging_;
};

}  // namespace lc::trt
