#include "tensorrt/device.h"

#include <string>

namespace lc::trt {

Device::Device(const Context& context, std::uint32_t device, std::uint32_t slots, const lc_host& host)
    : host_(host),
      session_(
          Session::open(context.cuda(), device, std::make_unique<HostBudget>(host),
                        [host](std::int32_t level, const char* text) { host.log(host.self, level, text); })),
      runtime_(own<nvinfer1::IRuntime>(nullptr, gpu())),
      copyIn_(gpu()),
      copyOut_(gpu()),
      staging_(gpu()) {
  if (slots == 0) throw Failure(LC_INVALID, "device_open", "A device needs a slot");
  for (std::uint32_t slot = 0; slot < slots; ++slot) slots_.push_back(std::make_unique<Slot>(gpu()));
  session_->begin();
  runtime_.reset(context.tensorrt().createRuntime(Logger::instance()));
  if (runtime_ == nullptr) session_->fail(LC_INTERNAL, "createInferRuntime", "TensorRT has made no runtime");
  runtime_->setErrorRecorder(&session_->recorder());
  runtime_->setGpuAllocator(&session_->allocator());
}

Device::~Device() {
  settle();
}

void* Device::allocateBlock(std::uint64_t bytes) {
  gpu().requireAlive();
  std::uint64_t free = 0;
  void* block = gpu().allocate(bytes, free);
  if (block == nullptr) throw Failure::outOfMemory("cudaMalloc", bytes, free);
  return block;
}

void* Device::allocateStaging(std::uint64_t bytes) {
  gpu().requireAlive();
  const Staging::Block block = staging_.allocate(bytes);
  if (!block.isPageLocked) {
    host_.log(host_.self, LC_LOG_WARNING,
              "The system has no page-locked memory left: copies will not overlap with the network");
  }
  return block.address;
}

std::unique_ptr<Engine> Device::openEngine(const void* plan, std::uint64_t byteCount) {
  gpu().requireAlive();
  return std::make_unique<Engine>(*runtime_, *session_, plan, byteCount);
}

lc_run_memory Device::memoryFor(Engine& engine, const lc_shape& shape) {
  gpu().requireAlive();
  return engine.memoryFor(shape);
}

Device::Slot& Device::slotAt(std::uint32_t index) {
  if (index >= slots_.size()) {
    throw Failure(LC_INVALID, "", "There is no slot " + std::to_string(index));
  }
  return *slots_[index];
}

void Device::submit(Engine& engine, const lc_run& run) {
  gpu().requireAlive();
  Slot& slot = slotAt(run.slot);
  if (slot.isRunning) {
    throw Failure(LC_INVALID, "submit", "Slot " + std::to_string(run.slot) + " is still in flight");
  }
  engine.prepare(run);
  try {
    queue(engine, run, slot);
  } catch (...) {
    // The caller may reuse the slot's memory as soon as it has the error.
    settle();
    gpu().requireAlive();
    throw;
  }
  slot.isRunning = true;
}

void Device::queue(Engine& engine, const lc_run& run, Slot& slot) {
  const lc_run_memory memory = engine.memoryFor(run.shape);
  const Stream& compute = session_->stream();
  copy(run.device_input, run.host_input, memory.input_bytes, cuda::kHostToDevice, copyIn_);
  record(slot.copiedIn, copyIn_);
  waitFor(slot.copiedIn, compute);
  engine.enqueue();
  record(slot.computed, compute);
  waitFor(slot.computed, copyOut_);
  copy(run.host_output, run.device_output, memory.output_bytes, cuda::kDeviceToHost, copyOut_);
  record(slot.copiedOut, copyOut_);
}

void Device::finish(std::uint32_t index) {
  gpu().requireAlive();
  Slot& slot = slotAt(index);
  if (!slot.isRunning)
    throw Failure(LC_INVALID, "finish", "Slot " + std::to_string(index) + " is not in flight");
  slot.isRunning = false;
  try {
    gpu().check(gpu().call().cudaEventSynchronize(slot.copiedOut.get()), "cudaEventSynchronize");
  } catch (...) {
    settle();
    gpu().requireAlive();
    throw;
  }
}

void Device::record(const Event& event, const Stream& stream) {
  gpu().check(gpu().call().cudaEventRecord(event.get(), stream.get()), "cudaEventRecord");
}

void Device::waitFor(const Event& event, const Stream& stream) {
  gpu().check(gpu().call().cudaStreamWaitEvent(stream.get(), event.get(), 0), "cudaStreamWaitEvent");
}

void Device::copy(void* target, const void* source, std::uint64_t bytes, cuda::CopyKind kind,
                  const Stream& stream) {
  gpu().check(gpu().call().cudaMemcpyAsync(target, source, bytes, kind, stream.get()), "cudaMemcpyAsync");
}

// Waits until nothing is in flight.
void Device::settle() noexcept {
  copyIn_.synchronize();
  session_->settle();
  copyOut_.synchronize();
}

}  // namespace lc::trt
