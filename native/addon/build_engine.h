// buildEngine of the binding (src/native/binding.ts).
#pragma once

#include <napi.h>

namespace lc::addon {

Napi::Value buildEngine(const Napi::CallbackInfo& info);

}  // namespace lc::addon
