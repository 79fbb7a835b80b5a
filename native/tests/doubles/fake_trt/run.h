// One run of a network on a stream: what the fake TensorRT asks of the device below it, the fake CUDA
// (run_on_fake.cpp) or a real GPU (native/tests/on_gpu).
//
// The result, for channel c of the moments at (y, x): the pixel's channel c % 3 at (8y, 8x), plus c; for a
// row without sides, 1 to K.
#pragma once

#include <NvInfer.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace fake {

constexpr std::int64_t kStride = 8;

struct Run {
  nvinfer1::Dims input;
  nvinfer1::Dims output;
  const unsigned char* pixels;
  float* moments;
  unsigned char* activations;
  std::uint64_t activationBytes;
  // Runs of the context that are not over.
  std::shared_ptr<std::atomic<int>> pending;

  std::uint64_t inputBytes() const {
    return static_cast<std::uint64_t>(input.d[0] * input.d[1] * input.d[2] * input.d[3]);
  }
  // Values of one image.
  std::int64_t outputRow() const {
    return output.nbDims < 4 ? output.d[1] : output.d[1] * output.d[2] * output.d[3];
  }
  std::uint64_t outputBytes() const {
    return sizeof(float) * static_cast<std::uint64_t>(output.d[0] * outputRow());
  }
};

// Whether all memory of the run is there.
bool isLive(const Run& run);
// Counts the run as pending until it is over. False: the device took nothing.
bool queue(const Run& run, cudaStream_t stream);
bool isDeviceLost();
// Whether a call has already said so.
bool isDeviceLossKnown();

}  // namespace fake
