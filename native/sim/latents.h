#pragma once

#include <cstdint>

#include "sim/plan.h"

namespace lc::sim {

// Stands in for the moments of one image, (height, width, 3) uint8: means that follow the colours of two
// pixels of each cell, from -2 to 2, and one log variance. They depend on nothing but the image.
void simulateMoments(const Plan& plan, const std::uint8_t* image, std::uint32_t height, std::uint32_t width,
                     float* moments);

}  // namespace lc::sim
