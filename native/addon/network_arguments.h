// The arguments of NativeDevice.loadNetwork, checked.
#pragma once

#include <napi.h>

#include <vector>

#include "core/network.h"

namespace lc::addon {

// All arguments. Layers that do not fit each other are refused, so that every back-end may rely on it: each
// takes the channels that the one before gives, `downsample` and `space-to-depth` halve the sides and
// everything else keeps them. Values are not copied; each tensor is added to `kept`.
core::Network networkArguments(const Napi::CallbackInfo& info, std::vector<Napi::Value>& kept);

}  // namespace lc::addon
