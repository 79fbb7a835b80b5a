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

// Of an encoder, for each pixel of an image: src/encoder/sim/work.ts counts it from the layers.
struct Cost {
  double operations;    // all but those of `pairs`
  double pairs;         // operations for each pair of the attention's tokens; 0 without attention
  double elements;      // read and written
  std::uint32_t width;  // channels of a map at full size

  // Of one image.
  Work of(double pixels, double tokens) const;
  // Of activations that a run holds at once: three maps at full size, which a residual block needs, and the
  // scores of one chunk of the attention's queries. `tokens` is 0 without attention.
  std::uint64_t activationBytes(const lc_shape& shape, std::uint64_t tokens, std::uint32_t chunks,
                                std::uint32_t elementBytes) const;
};

}  // namespace lc::sim
