// NVIDIA's management library: nvmlStatus.
#pragma once

#include <napi.h>

namespace lc::addon {

void registerNvmlOps(Napi::Env env, Napi::Object exports);

}  // namespace lc::addon
