#include "kernels-inl.h"
#include "sets.h"

namespace lc::onednn {

constinit const Kernels kAvx2Kernels = kernelsOf("avx2");

}  // namespace lc::onednn
