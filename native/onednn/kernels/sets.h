// The tables of the instruction sets; dispatch.cpp alone knows which of them this CPU runs.
#pragma once

#include "kernels.h"

namespace lc::onednn {

extern const Kernels kScalarKernels;
#if defined(LC_X86_KERNELS)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace lc::onednn
