// Pixels as operands of the first convolution: for each pixel its window of 3 x 3 x 3 values.
//
// The values are those of torchvision's ToTensor, v / 255 in float32, and in the signed range those of
// Normalize(0.5, 0.5) behind it: (v / 255 - 0.5) / 0.5. In bfloat16 they would be rounded. v - 127.5 is not,
// nor is v: an odd multiple of 1/2 below 128 has 8 significant bits, an integer below 256 too. So bfloat16
// operands are these, the weights are divided by 127.5 or 255 and split in three, and nothing is lost.
#pragma once

#include <cstdint>

#include "core/lc_network.h"
#include "onednn/kernels/kernels.h"
#include "onednn/tiling.h"

namespace lc::onednn {

// The operand of the first product where the others have `operand`.
Operand pixelOperand(Operand operand);
// Values of one row of operands.
std::uint32_t pixelOperandLength(Operand pixelOperand);

// Row `output` of the weights (inner). `conv` has 3 inputs and a 3 x 3 kernel.
void writePixelWeights(const lc_conv& conv, lc_pixel_range range, Operand pixelOperand, std::uint32_t output,
                       void* target);

// Rows of operands, one for each pixel of a tile: (tile.height * tile.width, inner). Beyond the image the
// value is 0, as the convolution pads; pixels of the tile that lie beyond the image get zeros.
void writePixelOperands(lc_pixel_range range, Operand pixelOperand, const std::uint8_t* image,
                        const Extent& size, const Tiling& tiling, std::uint32_t tile, void* target);

}  // namespace lc::onednn
