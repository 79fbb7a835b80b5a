#include "sim/device.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <thread>

#include "plugin/failure.h"
#include "sim/latents.h"

namespace lc::sim {

using plugin::Failure;

Device::Device(World& world, std::uint32_t slots, const lc_host& host)
    : world_(world), host_(host), slots_(slots) {
  if (slots == 0) throw Failure(LC_INVALID, "device_open", "A device needs a slot");
  world_.enter();
}

Device::~Device() {
  for (const auto& [block, bytes] : blocks_) world_.release(block, bytes);
  for (const auto& [block, bytes] : leaked_) world_.release(block, bytes);
  world_.leave();
}

void* Device::allocateBlock(std::uint64_t bytes) {
  world_.call();
  if (!world_.countAllocation()) {
    throw Failure::outOfMemory("block_alloc", bytes, world_.memory().freeBytes);
  }
  void* block = world_.allocate(bytes);
  blocks_.emplace(block, bytes);
  return block;
}

void Device::freeBlock(void* block) noexcept {
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) return;
  const std::uint64_t bytes = found->second;
  blocks_.erase(found);
  if (world_.leaks()) {
    leaked_.emplace_back(block, bytes);
  } else {
    world_.release(block, bytes);
  }
}

void* Device::allocateStaging(std::uint64_t bytes) {
  world_.call();
  if (!world_.countAllocation()) {
    throw Failure(LC_HOST_MEMORY, "staging_alloc", "The system has no page-locked memory left");
  }
  std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[bytes]);
  void* block = memory.get();
  staging_.emplace(block, std::move(memory));
  return block;
}

void Device::freeStaging(void* block) noexcept {
  staging_.erase(block);
}

void* Device::takeWeights(std::uint64_t bytes) {
  std::uint64_t available = 0;
  if (host_.reserve(host_.self, bytes, &available) == 0) {
    throw Failure::outOfMemory("engine_open", bytes, available);
  }
  try {
    return allocateBlock(bytes);
  } catch (...) {
    host_.release(host_.self, bytes);
    throw;
  }
}

void Device::dropWeights(void* block, std::uint64_t bytes) noexcept {
  freeBlock(block);
  host_.release(host_.self, bytes);
}

lc_run_memory Device::memoryFor(const Plan& plan, const lc_shape& shape) {
  world_.call();
  return plan.memoryFor(shape);
}

void Device::submit(const Plan& plan, const lc_run& run) {
  world_.call();
  world_.submit();
  Slot& slot = slotAt(run.slot);
  if (slot.isRunning) {
    throw Failure(LC_INVALID, "submit", "Slot " + std::to_string(run.slot) + " is still in flight");
  }
  requireMemory(run, plan.memoryFor(run.shape));
  compute(plan, run, slot.moments);
  slot.seconds = secondsOf(plan, run.shape);
  slot.end = world_.begin(slot.seconds);
  slot.output = run.host_output;
  slot.isRunning = true;
}

void Device::finish(std::uint32_t index) {
  world_.call();
  Slot& slot = slotAt(index);
  if (!slot.isRunning) {
    throw Failure(LC_INVALID, "finish", "Slot " + std::to_string(index) + " is not in flight");
  }
  slot.isRunning = false;
  std::this_thread::sleep_until(slot.end);
  world_.advance(slot.seconds);
  std::memcpy(slot.output, slot.moments.data(), slot.moments.size() * sizeof(float));
}

Device::Slot& Device::slotAt(std::uint32_t index) {
  if (index >= slots_.size()) throw Failure(LC_INVALID, "", "There is no slot " + std::to_string(index));
  return slots_[index];
}

void Device::requireMemory(const lc_run& run, const lc_run_memory& needed) const {
  if (run.activation_bytes >= needed.activation_bytes && holds(run.activations, needed.activation_bytes) &&
      holds(run.device_input, needed.input_bytes) && holds(run.device_output, needed.output_bytes)) {
    return;
  }
  throw Failure(LC_INVALID, "submit", "A run lies outside of the memory that was allocated");
}

bool Device::holds(const void* address, std::uint64_t bytes) const {
  const auto* first = static_cast<const std::byte*>(address);
  return std::ranges::any_of(blocks_, [&](const auto& block) {
    const auto* start = static_cast<const std::byte*>(block.first);
    return first >= start && first + bytes <= start + block.second;
  });
}

double Device::secondsOf(const Plan& plan, const lc_shape& shape) const {
  const Settings& card = world_.settings();
  const double pixels = static_cast<double>(shape.height) * shape.width;
  const Work work = plan.cost.of(pixels, static_cast<double>(plan.tokens(shape)));
  const double computing = work.operations / (card.tflops * 1e12 * plan.precision.rate * card.share);
  const double moving = work.elements * plan.precision.elementBytes / (card.bandwidth * 1e9);
  return (card.launchSeconds + shape.count * std::max(computing, moving)) * world_.slowness();
}

void Device::compute(const Plan& plan, const lc_run& run, std::vector<float>& moments) const {
  const auto [count, height, width] = run.shape;
  const std::size_t imageBytes = std::size_t{3} * height * width;
  const std::size_t row = plan.channels * plan.cells(run.shape);
  const auto* image = static_cast<const std::uint8_t*>(run.host_input);
  const bool overflows = world_.settings().nan && plan.precision.isHalf;
  moments.resize(count * row);
  for (std::size_t index = 0; index < count; ++index, image += imageBytes) {
    float* values = moments.data() + index * row;
    if (overflows && image[0] == 255) {
      std::fill_n(values, row, std::numeric_limits<float>::quiet_NaN());
    } else {
      simulateMoments(plan, image, height, width, values);
    }
  }
}

}  // namespace lc::sim
