// Where the messages of a back-end go.
#pragma once

#include <cstdint>
#include <functional>

namespace lc::core {

// LC_LOG_ERROR, LC_LOG_WARNING or LC_LOG_INFO. Called from any thread.
using Log = std::function<void(std::int32_t level, const char* text)>;

}  // namespace lc::core
