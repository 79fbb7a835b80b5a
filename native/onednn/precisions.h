// What this machine multiplies fast.
#pragma once

#include <span>

#include "core/lc_network.h"

namespace lc::onednn {

// Precisions that oneDNN has instructions for here, the fastest first.
std::span<const lc_precision> precisions();

// The instruction set that oneDNN uses: "AVX-512 with AMX".
const char* instructionSet();

}  // namespace lc::onednn
