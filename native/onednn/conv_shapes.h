// The convolutions that encoders are made of.
#pragma once

#include <cstdint>

#include "core/lc_network.h"

namespace lc::onednn {

inline bool isPadded(const lc_conv& conv, std::uint32_t before, std::uint32_t after) {
  return conv.padding[0] == before && conv.padding[1] == before && conv.padding[2] == after &&
         conv.padding[3] == after;
}

inline bool isSame3(const lc_conv& conv) {
  return conv.kernel == 3 && conv.stride == 1 && isPadded(conv, 1, 1);
}

inline bool isPointwise(const lc_conv& conv) {
  return conv.kernel == 1 && conv.stride == 1 && isPadded(conv, 0, 0);
}

inline bool isHalving3(const lc_conv& conv) {
  return conv.kernel == 3 && conv.stride == 2 && (isPadded(conv, 0, 1) || isPadded(conv, 1, 1));
}

}  // namespace lc::onednn
