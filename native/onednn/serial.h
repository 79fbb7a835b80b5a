// oneDNN's own threads.
#pragma once

#include <oneapi/dnnl/dnnl_config.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace lc::onednn {

// Makes oneDNN compute on the calling thread alone, for primitives that it creates and that it executes: the
// pool's threads have a piece of the work each, which stays in their caches.
inline void runSerially() {
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  omp_set_num_threads(1);
#endif
}

}  // namespace lc::onednn
