// The device functions of the binding (src/native/binding.ts): look-ups, opening, building engines.
#pragma once

#include <napi.h>

namespace lc::addon {

void registerDeviceOps(Napi::Env env, Napi::Object exports);

}  // namespace lc::addon
