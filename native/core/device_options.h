// How a device is opened.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/log.h"
#include "core/plugin.h"

namespace lc::core {

struct DeviceOptions {
  std::shared_ptr<Context> context;
  std::uint32_t device;
  // Bytes of device memory for engines and runs together.
  std::uint64_t memoryBudget;
  // Runs in flight, 1 or more: while one computes, another's pixels are copied in.
  std::uint32_t slots;
  // Of one run, where the CPU computes.
  std::uint32_t threads = 1;
  // That those threads are bound to; none: those of the process.
  std::vector<std::uint32_t> processors = {};
  // May be empty.
  Log log;
};

}  // namespace lc::core
