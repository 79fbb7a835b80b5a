// The posterior functions of the binding (src/native/binding.ts).
#pragma once

#include <napi.h>

namespace lc::addon {

void registerPosteriorOps(Napi::Env env, Napi::Object exports);

}  // namespace lc::addon
