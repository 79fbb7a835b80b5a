// The libraries that everything else works with.
#pragma once

#include <string>

#include "core/lc_backend.h"
#include "cuda/runtime.h"
#include "tensorrt/library.h"

namespace lc::trt {

class Context {
 public:
  // Throws Failure. TensorRT is looked for before CUDA: a missing or unfit library is told even where there
  // is no driver, and whoever has neither installs TensorRT, whose packages bring the CUDA runtime along.
  explicit Context(const lc_options& options);

  const Library& tensorrt() const { return tensorrt_; }
  const cuda::Runtime& cuda() const { return cuda_; }
  // "TensorRT 10.14.1, CUDA runtime 13.0"
  const std::string& runtime() const { return runtime_; }

 private:
  Context(const std::vector<std::string>& folders);

  const Library& tensorrt_;
  const cuda::Runtime& cuda_;
  std::string runtime_;
};

}  // namespace lc::trt
