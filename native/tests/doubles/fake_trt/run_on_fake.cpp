// Runs as functions on the streams of the fake CUDA.
#include <chrono>
#include <cstring>
#include <thread>

#include "fake_cuda.h"
#include "fake_trt/run.h"
#include "fake_trt/world.h"

namespace fake {
namespace {

float valueOf(const Run& run, std::int64_t n, std::int64_t i) {
  const nvinfer1::Dims& input = run.input;
  const nvinfer1::Dims& output = run.output;
  if (output.nbDims < 4) return static_cast<float>(i + 1);
  const std::int64_t c = i / (output.d[2] * output.d[3]);
  const std::int64_t y = i / output.d[3] % output.d[2];
  const std::int64_t x = i % output.d[3];
  const std::int64_t pixel = (n * input.d[1] + y * kStride) * input.d[2] + x * kStride;
  return static_cast<float>(run.pixels[pixel * 3 + c % 3]) + static_cast<float>(c);
}

void write(const Run& run) {
  const std::int64_t row = run.outputRow();
  for (std::int64_t n = 0; n < run.output.d[0]; ++n) {
    for (std::int64_t i = 0; i < row; ++i) run.moments[n * row + i] = valueOf(run, n, i);
  }
}

void compute(const Run& run) {
  expect(isLive(run), "a run on memory that is not there");
  if (!isLive(run)) return;
  {
    const std::lock_guard lock(world().mutex);
    expect(world().activationsInUse.insert(run.activations).second, "two runs on one block of activations");
  }
  std::memset(run.activations, 0x5A, run.activationBytes);
  std::this_thread::sleep_for(std::chrono::microseconds(world().options.run_us));
  write(run);
  const std::lock_guard lock(world().mutex);
  world().activationsInUse.erase(run.activations);
}

void execute(void* argument) {
  const std::unique_ptr<Run> run(static_cast<Run*>(argument));
  if (!isDeviceLost()) compute(*run);
  --*run->pending;
}

}  // namespace

bool isLive(const Run& run) {
  return lc_fake_cuda_is_live(run.pixels, run.inputBytes()) != 0 &&
         lc_fake_cuda_is_live(run.moments, run.outputBytes()) != 0 &&
         lc_fake_cuda_is_live(run.activations, run.activationBytes) != 0;
}

bool queue(const Run& run, cudaStream_t stream) {
  auto queued = std::make_unique<Run>(run);
  ++*run.pending;
  if (lc_fake_cuda_launch(stream, execute, queued.get()) != 0) {
    --*run.pending;
    return false;
  }
  queued.release();
  return true;
}

bool isDeviceLost() {
  return lc_fake_cuda_is_lost() != 0;
}

bool isDeviceLossKnown() {
  return lc_fake_cuda_loss_is_known() != 0;
}

}  // namespace fake
