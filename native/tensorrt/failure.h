// What goes wrong inside of the plug-in, and what CUDA reports, in the words of the C interface.
#pragma once

#include "cuda/backend_code.h"
#include "cuda/runtime.h"
#include "plugin/failure.h"

namespace lc::trt {

using plugin::Failure;
using plugin::requireSize;

inline Failure failureOf(const cuda::Error& error) {
  return {cuda::backendCodeOf(error.problem()), error.operation(), error.what()};
}

// Runs one function of the C interface: no exception leaves it.
template <typename Work>
lc_code guarded(lc_error* error, Work work) noexcept {
  return plugin::guarded(error, [&] {
    try {
      work();
    } catch (const cuda::Error& problem) {
      throw failureOf(problem);
    }
  });
}

}  // namespace lc::trt
