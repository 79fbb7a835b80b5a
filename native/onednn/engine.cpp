#include "onednn/engine.h"

#include <algorithm>
#include <limits>
#include <string>

#include "plugin/failure.h"

namespace lc::onednn {
namespace {

// Plans are kept, since buckets come back; each holds generated code of its primitives, some hundred
// kilobytes.
constexpr std::size_t kMostPlans = 32;

bool isSame(const lc_shape& a, const lc_shape& b) {
  return a.count == b.count && a.height == b.height && a.width == b.width;
}

}  // namespace

Network Engine::open(Device& device, const lc_network& network) {
  return {network, device.engine(), device.kernels(), device.memory()};
}

lc_engine_info Engine::info() const {
  lc_engine_info info{};
  info.size = sizeof info;
  const std::uint32_t stride = network_.stride();
  constexpr std::uint32_t kMostSide = 1 << 16;
  info.minimum = {1, stride, stride};
  info.maximum = {std::numeric_limits<std::uint16_t>::max(), kMostSide / stride * stride,
                  kMostSide / stride * stride};
  info.weight_bytes = network_.weightBytes();
  return info;
}

lc_run_memory Engine::memoryFor(const lc_shape& shape) {
  const Plan& plan = planFor(shape);
  constexpr std::uint64_t kColours = 3;
  const std::uint64_t pixels = std::uint64_t{shape.count} * shape.height * shape.width;
  lc_run_memory memory{};
  memory.size = sizeof memory;
  memory.activation_bytes = plan.arenaBytes();
  memory.input_bytes = pixels * kColours;
  memory.output_bytes = pixels / network_.stride() / network_.stride() * network_.outputs() * sizeof(float);
  return memory;
}

void Engine::run(const lc_run& run) {
  const Plan& plan = planFor(run.shape);
  if (run.activation_bytes < plan.arenaBytes()) {
    throw plugin::Failure(LC_INVALID, "submit",
                          "The run has " + std::to_string(run.activation_bytes) +
                              " bytes of activations, not " + std::to_string(plan.arenaBytes()));
  }
  plan.run(device_.pool(), device_.streams(), static_cast<std::byte*>(run.activations),
           static_cast<const std::uint8_t*>(run.host_input), static_cast<float*>(run.host_output));
}

const Plan& Engine::planFor(const lc_shape& shape) {
  const auto found = std::find_if(plans_.begin(), plans_.end(),
                                  [&](const Plan& plan) { return isSame(plan.shape(), shape); });
  if (found != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, found);
  } else {
    plans_.emplace_front(network_, device_.engine(), device_.kernels(), shape, device_.pool().threads());
    if (plans_.size() > kMostPlans) plans_.pop_back();
  }
  return plans_.front();
}

}  // namespace lc::onednn
