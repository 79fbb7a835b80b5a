// The kernels, for whoever compiles them: plain loops over values that do not depend on each other, which the
// compiler makes vectors of.
#pragma once

#include "accumulate-inl.h"
#include "group-sums-inl.h"
#include "prepare-inl.h"
#include "rectify-inl.h"
#include "rms-inl.h"
#include "softmax-inl.h"

namespace lc::onednn {
namespace {

constexpr Kernels kernelsOf(const char* name) {
  return {name, prepare, prepareRms, accumulate, rectify, groupSums, softmaxStep, softmaxEnd};
}

}  // namespace
}  // namespace lc::onednn
