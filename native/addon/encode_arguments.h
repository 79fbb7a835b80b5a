// The arguments of NativeDevice.encode, checked.
#pragma once

#include <napi.h>

#include <vector>

#include "core/jobs.h"

namespace lc::addon {

// A number that names a call: an integer from 0 to the largest that a JS number holds exactly.
std::uint64_t ticketArgument(const Napi::CallbackInfo& info, std::size_t index);
std::uint32_t engineArgument(const Napi::CallbackInfo& info, std::size_t index);

// All arguments. Each array is added to `kept` by itself: JS may empty the list while the call waits.
core::EncodeRequest encodeArguments(const Napi::CallbackInfo& info, std::vector<Napi::Value>& kept);

}  // namespace lc::addon
