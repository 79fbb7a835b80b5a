// What src/model/layers.ts says that the layers compute, in plain loops and in double.
#pragma once

#include <cstdint>
#include <vector>

#include "core/lc_backend.h"

namespace lc::test {

// pixels (count, height, width, 3) -> moments (count, outputs, height / stride, width / stride).
std::vector<double> referenceMoments(const lc_network& network, const lc_shape& shape,
                                     const std::vector<std::uint8_t>& pixels);

}  // namespace lc::test
