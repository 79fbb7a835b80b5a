// Runs of the fake TensorRT on a real GPU: memory, streams, events and errors are the driver's own.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <new>

#include "fake_trt/run.h"
#include "fake_trt/world.h"
#include "on_gpu/kernel.h"
#include "settings.h"

namespace fake {
namespace {

// Of the run with this number, from 1; 0: none.
std::int64_t crashAt() {
  static const std::int64_t at = Settings("LC_FAKE_TRT").get("crash_at", std::int64_t{0});
  return at;
}

std::atomic<std::int64_t> runs = 0;

bool isOnDevice(const void* memory) {
  cudaPointerAttributes attributes{};
  const bool known = cudaPointerGetAttributes(&attributes, memory) == cudaSuccess;
  if (!known) cudaGetLastError();
  return known && attributes.type == cudaMemoryTypeDevice;
}

unsigned* overlapCount() {
  static unsigned* const count = [] {
    void* memory = nullptr;
    if (cudaHostAlloc(&memory, sizeof(unsigned), cudaHostAllocMapped | cudaHostAllocPortable) !=
        cudaSuccess) {
      std::abort();
    }
    return new (memory) unsigned{0};
  }();
  return count;
}

void end(void* argument) {
  const std::unique_ptr<Run> run(static_cast<Run*>(argument));
  expect(*static_cast<volatile unsigned*>(overlapCount()) == 0, "two runs on one block of activations");
  --*run->pending;
}

}  // namespace

bool isLive(const Run& run) {
  return isOnDevice(run.pixels) && isOnDevice(run.moments) &&
         (run.activationBytes == 0 || isOnDevice(run.activations + run.activationBytes - 1));
}

bool queue(const Run& run, cudaStream_t stream) {
  const bool hasSides = run.output.nbDims >= 4;
  const KernelRun kernel{
      run.pixels,
      run.moments,
      reinterpret_cast<unsigned*>(run.activations),
      run.input.d[1],
      run.input.d[2],
      run.output.d[0],
      run.outputRow(),
      hasSides ? run.output.d[2] : 0,
      hasSides ? run.output.d[3] : 0,
      world().options.run_us,
      ++runs == crashAt(),
      overlapCount(),
  };
  auto queued = std::make_unique<Run>(run);
  ++*run.pending;
  // All but the word of kernel.h: whoever else uses the block would find its bytes gone.
  const cudaError_t code = run.activationBytes > sizeof(unsigned)
                               ? cudaMemsetAsync(run.activations + sizeof(unsigned), 0x5A,
                                                 run.activationBytes - sizeof(unsigned), stream)
                               : cudaSuccess;
  if (code != cudaSuccess || launch(kernel, stream) != cudaSuccess ||
      cudaLaunchHostFunc(stream, end, queued.get()) != cudaSuccess) {
    --*run.pending;
    return false;
  }
  queued.release();
  return true;
}

// The plug-in has to find out by itself.
bool isDeviceLost() {
  return cudaPeekAtLastError() != cudaSuccess;
}

bool isDeviceLossKnown() {
  return false;
}

}  // namespace fake
