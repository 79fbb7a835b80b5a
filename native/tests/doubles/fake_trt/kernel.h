// One run of a network, as a stream does it: for channel c of the moments at (y, x), the pixel's channel c %
// 3 at (8y, 8x), plus c; for a row without sides, 1 to K.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include "fake_cuda.h"
#include "fake_trt/world.h"

namespace fake {

constexpr std::int64_t kStride = 8;

struct Kernel {
  nvinfer1::Dims input;
  nvinfer1::Dims output;
  const unsigned char* pixels;
  float* moments;
  unsigned char* activations;
  std::uint64_t activationBytes;
  // Runs of the context that are not over.
  std::shared_ptr<std::atomic<int>> pending;

  static void run(void* self) {
    const std::unique_ptr<Kernel> kernel(static_cast<Kernel*>(self));
    if (lc_fake_cuda_is_lost() == 0) kernel->compute();
    --*kernel->pending;
  }

  std::uint64_t inputBytes() const {
    return static_cast<std::uint64_t>(input.d[0] * input.d[1] * input.d[2] * input.d[3]);
  }
  std::uint64_t outputBytes() const {
    std::uint64_t bytes = sizeof(float);
    for (std::int32_t i = 0; i < output.nbDims; ++i) bytes *= static_cast<std::uint64_t>(output.d[i]);
    return bytes;
  }
  bool isLive() const {
    return lc_fake_cuda_is_live(pixels, inputBytes()) != 0 &&
           lc_fake_cuda_is_live(moments, outputBytes()) != 0 &&
           lc_fake_cuda_is_live(activations, activationBytes) != 0;
  }

 private:
  void compute() const {
    expect(isLive(), "a run on memory that is not there");
    if (!isLive()) return;
    {
      const std::lock_guard lock(world().mutex);
      expect(world().activationsInUse.insert(activations).second, "two runs on one block of activations");
    }
    std::memset(activations, 0x5A, activationBytes);
    std::this_thread::sleep_for(std::chrono::microseconds(world().options.run_us));
    write();
    const std::lock_guard lock(world().mutex);
    world().activationsInUse.erase(activations);
  }

  void write() const {
    const std::int64_t row = output.nbDims < 4 ? output.d[1] : output.d[1] * output.d[2] * output.d[3];
    for (std::int64_t n = 0; n < output.d[0]; ++n) {
      for (std::int64_t i = 0; i < row; ++i) moments[n * row + i] = value(n, i);
    }
  }

  float value(std::int64_t n, std::int64_t i) const {
    if (output.nbDims < 4) return static_cast<float>(i + 1);
    const std::int64_t c = i / (output.d[2] * output.d[3]);
    const std::int64_t y = i / output.d[3] % output.d[2];
    const std::int64_t x = i % output.d[3];
    const std::int64_t pixel = (n * input.d[1] + y * kStride) * input.d[2] + x * kStride;
    return static_cast<float>(pixels[pixel * 3 + c % 3]) + static_cast<float>(c);
  }
};

}  // namespace fake
