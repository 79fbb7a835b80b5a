// What an encoder costs: operations, bytes moved, bytes held.
#pragma once

#include <cstdint>
#include <string>

#include "core/lc_backend.h"

namespace lc::sim {

struct Precision {
  std::uint32_t elementBytes;
  // Of the rate of fp16.
  double rate;
  bool isHalf;
};

// nullptr for one that is none: fp16, bf16, tf32 and fp32 are.
const Precision* findPrecision(const std::string& name);

struct Work {
  double operations;  // a multiplication and an addition are two
  double elements;    // read and written by all layers
};

/*
 * Of the encoder of SD, SDXL, SD3 and FLUX.1 on one image: levels of 128, 256, 512 and 512 channels with two
 * residual blocks each, attention with one head of 512 in the middle. Counted for kernels that are not fused:
 * each conv reads its input and writes its output, each group norm reads twice and writes once. The scores of
 * the attention are counted as operations and not as bytes, as they are where chunks keep them in the cache.
 *
 * `moments`: channels of the output.
 */
Work encoderWork(std::uint32_t height, std::uint32_t width, std::uint32_t moments);

// Of activations that a run holds at once: three maps of 128 channels at full size, which a residual block
// needs, and the scores of one chunk of the attention's queries.
std::uint64_t activationBytes(const lc_shape& shape, std::uint32_t stride, std::uint32_t chunks,
                              std::uint32_t elementBytes);

}  // namespace lc::sim
