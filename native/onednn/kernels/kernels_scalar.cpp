#include "kernels-inl.h"
#include "sets.h"

namespace lc::onednn {

constinit const Kernels kScalarKernels = kernelsOf("scalar");

}  // namespace lc::onednn
