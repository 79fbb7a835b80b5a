// The processors that one encoder computes on.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "core/lc_backend.h"
#include "onednn/device_memory.h"
#include "onednn/kernels/kernels.h"
#include "onednn/thread_pool.h"

namespace lc::onednn {

class Device {
 public:
  // Throws Failure (LC_NO_DEVICE, LC_INVALID, LC_HOST_MEMORY).
  Device(const lc_device_options& options, const lc_host& host);

  DeviceMemory& memory() { return memory_; }
  ThreadPool& pool() { return pool_; }
  const dnnl::engine& engine() const { return engine_; }
  const Kernels& kernels() const { return lc::onednn::kernels(); }
  std::span<const dnnl::stream> streams() const { return streams_; }

 private:
  DeviceMemory memory_;
  ThreadPool pool_;
  dnnl::engine engine_;
  // One for each thread: they are not to be shared.
  std::vector<dnnl::stream> streams_;
};

}  // namespace lc::onednn
