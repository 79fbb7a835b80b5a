// CUDA's problems in the words of the back-end interface.
#pragma once

#include "core/lc_backend.h"
#include "cuda/runtime.h"

namespace lc::cuda {

constexpr lc_code backendCodeOf(Problem problem) {
  switch (problem) {
    case Problem::kLibraryMissing:
      return LC_CUDA_MISSING;
    case Problem::kDriver:
      return LC_CUDA_DRIVER;
    case Problem::kNoDevice:
      return LC_NO_DEVICE;
    case Problem::kOutOfMemory:
      return LC_OUT_OF_MEMORY;
    case Problem::kDeviceLost:
      return LC_DEVICE_LOST;
    case Problem::kOther:
      break;
  }
  return LC_INTERNAL;
}

}  // namespace lc::cuda
