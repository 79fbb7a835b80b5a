// Compiles a network into a plan.
#pragma once

#include "core/lc_backend.h"
#include "tensorrt/context.h"

namespace lc::trt {

// Returns when the plan has been handed over. Throws Failure: LC_INVALID, LC_BUILD_FAILED, LC_CANCELLED,
// LC_OUT_OF_MEMORY, LC_DEVICE_LOST, ...
void build(const Context& context, const lc_build& build);

}  // namespace lc::trt
