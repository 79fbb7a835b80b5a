// Layers, as the toy runs them.
#pragma once

#include "core/lc_network.h"
#include "toy_device.h"

namespace lc::toy {

Network networkOf(const lc_network& network);

}  // namespace lc::toy
