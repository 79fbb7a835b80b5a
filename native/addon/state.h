// What one JS environment (main thread or worker thread) keeps for itself.
#pragma once

#include <napi.h>

#include <cstdint>

namespace lc::addon {

struct State {
  // The LatentCacheError class of this environment; empty until initialize().
  Napi::FunctionReference errorClass;
  // The class of open devices.
  Napi::FunctionReference deviceClass;
  // Touched on the JS thread only.
  std::uint32_t queued = 0;
  double completed = 0;
};

inline State& stateOf(Napi::Env env) {
  return *env.GetInstanceData<State>();
}

}  // namespace lc::addon
