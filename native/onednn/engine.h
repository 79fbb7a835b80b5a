// A network on a device, with the plans of the shapes that were asked for lately.
#pragma once

#include <cstdint>
#include <list>

#include "core/lc_backend.h"
#include "onednn/device.h"
#include "onednn/network.h"
#include "onednn/plan.h"

namespace lc::onednn {

class Engine {
 public:
  // `device` must outlive it. Throws what Network does.
  Engine(Device& device, const lc_network& network) : device_(device), network_(open(device, network)) {}

  lc_engine_info info() const;
  lc_run_memory memoryFor(const lc_shape& shape);
  // Computes on the calling thread and the device's others; host_output holds the moments when it returns.
  void run(const lc_run& run);

 private:
  static Network open(Device& device, const lc_network& network);
  const Plan& planFor(const lc_shape& shape);

  Device& device_;
  Network network_;
  // The latest first.
  std::list<Plan> plans_;
};

}  // namespace lc::onednn
