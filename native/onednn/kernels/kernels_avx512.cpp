#include "kernels-inl.h"
#include "sets.h"

namespace lc::onednn {

constinit const Kernels kAvx512Kernels = kernelsOf("avx512");

}  // namespace lc::onednn
