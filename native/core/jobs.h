// What can be asked of a device, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/lc_backend.h"

namespace lc::core {

// Called once. `error` is null on success; otherwise the values mean nothing. All arguments are gone after
// the call. It must not throw.
template <typename... Values>
using Completion = std::function<void(const Error* error, const Values&... values)>;

// Calls a completion. What it throws goes nowhere: its caller is a thread that has other jobs to do.
template <typename... Values>
void settle(const Completion<Values...>& done, const Error* error, const Values&... values) noexcept {
  try {
    done(error, values...);
  } catch (...) {
  }
}

// Where an engine's plan lies: a part of a file, mapped while it is loaded.
struct PlanLocation {
  std::string path;
  std::uint64_t offset;
  std::uint64_t bytes;
};

struct EngineInfo {
  std::uint32_t id;
  lc_shape minimum;
  lc_shape maximum;
  std::uint64_t weightBytes;
};

struct RunMemory {
  std::uint64_t activationBytes;
  std::uint64_t inputBytes;   // of one slot
  std::uint64_t outputBytes;  // of one slot
  std::uint64_t arenaBytes;   // of all slots
};

struct EncodeRequest {
  // Names the job for cancel(); any number not in use.
  std::uint64_t ticket;
  std::uint32_t engine;
  // (height, width, 3) uint8 each. Like `output` they must stay until the completion is called.
  std::vector<std::span<const std::uint8_t>> images;
  std::uint32_t height;
  std::uint32_t width;
  // One row of moments for each image.
  std::span<float> output;
};

}  // namespace lc::core
