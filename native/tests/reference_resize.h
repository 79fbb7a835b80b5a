// The resamplers as plain loops over whole images: no windows, no streaming, no vectors. The oracle of
// resize_test.
#pragma once

#include <vector>

#include "pixels.h"

namespace lc::test {

std::vector<std::uint8_t> referenceResize(const pixels::Image& source, pixels::Size resized,
                                          pixels::Interpolation interpolation);

}  // namespace lc::test
