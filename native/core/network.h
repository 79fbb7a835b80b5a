// An encoder as layers, for back-ends that run them themselves.
#pragma once

#include <vector>

#include "core/lc_backend.h"

namespace lc::core {

struct Network {
  lc_precision precision;
  lc_pixel_range range;
  // What they point to is the caller's; it must stay until the completion is called.
  std::vector<lc_layer> layers;
};

}  // namespace lc::core
