// The kernels behind run_on_gpu.cpp, without TensorRT's headers, which nvcc does not have to read.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fake {

struct KernelRun {
  const unsigned char* pixels;
  float* moments;
  unsigned* inUse;  // the first word of the activations: kBusy while a run is on them
  std::int64_t height;
  std::int64_t width;
  std::int64_t count;
  std::int64_t row;        // values of one image
  std::int64_t outHeight;  // 0: rows without sides
  std::int64_t outWidth;
  std::int64_t microseconds;
  bool crashes;        // reads from an address that no program has
  unsigned* overlaps;  // of the host, mapped: counts runs that found another one on their activations
};

// Two kernels behind whatever is on the stream. Returns a CUDA code.
cudaError_t launch(const KernelRun& run, cudaStream_t stream);

}  // namespace fake
