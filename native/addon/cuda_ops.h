// What the CUDA runtime says by itself, without any plug-in (src/native/binding.ts: cudaStatus,
// cudaMemGetInfo).
#pragma once

#include <napi.h>

namespace lc::addon {

void registerCudaOps(Napi::Env env, Napi::Object exports);

}  // namespace lc::addon
