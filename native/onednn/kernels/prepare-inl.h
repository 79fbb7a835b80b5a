// Activations become operands: scale, shift, SiLU and the change of type in one pass.
#pragma once

#include "operands-inl.h"

namespace lc::onednn {
namespace {

template <Operand kOperand>
inline void copyRow(const float* __restrict source, std::size_t count, void* __restrict target,
                    std::uint16_t* __restrict middle, std::uint16_t* __restrict low) {
  for (std::size_t i = 0; i < count; ++i) put<kOperand>(source[i], i, target, middle, low);
}

template <Operand kOperand>
inline void scaleRow(const float* __restrict source, const float* __restrict scale,
                     const float* __restrict shift, std::size_t count, void* __restrict target,
                     std::uint16_t* __restrict middle, std::uint16_t* __restrict low) {
  for (std::size_t i = 0; i < count; ++i)
    put<kOperand>(source[i] * scale[i] + shift[i], i, target, middle, low);
}

template <Operand kOperand>
inline void activateRow(const float* __restrict source, const float* __restrict scale,
                        const float* __restrict shift, std::size_t count, void* __restrict target,
                        std::uint16_t* __restrict middle, std::uint16_t* __restrict low) {
  for (std::size_t i = 0; i < count; ++i) {
    const float x = source[i] * scale[i] + shift[i];
    put<kOperand>(x / (1.0F + exponential(-x)), i, target, middle, low);
  }
}

void prepare(Operand operand, const float* source, std::size_t pixels, std::size_t channels,
             const float* scale, const float* shift, bool silu, void* target, std::size_t plane) {
  if (scale == nullptr) {
    channels *= pixels;  // one long row
    pixels = channels == 0 ? 0 : 1;
  }
  withOperand(operand, [=]<Operand kOperand>() {
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      const float* const values = source + pixel * channels;
      const OperandRow<kOperand> row(target, pixel, channels, plane);
      if (scale == nullptr) {
        copyRow<kOperand>(values, channels, row.target, row.middle, row.low);
      } else if (silu) {
        activateRow<kOperand>(values, scale, shift, channels, row.target, row.middle, row.low);
      } else {
        scaleRow<kOperand>(values, scale, shift, channels, row.target, row.middle, row.low);
      }
    }
  });
}

}  // namespace
}  // namespace lc::onednn
