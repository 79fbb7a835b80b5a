// A product joins the activations through a ReLU.
#pragma once

#include <cstddef>

namespace lc::onednn {
namespace {

template <bool kAdd>
inline void rectifyRow(const float* __restrict product, std::size_t count, float* __restrict target) {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = kAdd ? target[i] + product[i] : product[i];
    target[i] = value < 0.0F ? 0.0F : value;  // NaN stays
  }
}

void rectify(const float* product, std::size_t count, bool add, float* target) {
  if (add) {
    rectifyRow<true>(product, count, target);
  } else {
    rectifyRow<false>(product, count, target);
  }
}

}  // namespace
}  // namespace lc::onednn
