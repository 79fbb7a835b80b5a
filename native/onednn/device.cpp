#include "onednn/device.h"

#include "plugin/failure.h"

namespace lc::onednn {
namespace {

const lc_device_options& checked(const lc_device_options& options) {
  if (options.device != 0) throw plugin::Failure(LC_NO_DEVICE, "", "The CPU is device 0");
  if (options.slots == 0) throw plugin::Failure(LC_INVALID, "device_open", "A device needs a slot");
  return options;
}

}  // namespace

Device::Device(const lc_device_options& options, const lc_host& host)
    : memory_(host),
      pool_(checked(options).threads, {options.processors, options.processor_count}),
      engine_(dnnl::engine::kind::cpu, 0) {
  for (std::uint32_t thread = 0; thread < pool_.threads(); ++thread) streams_.emplace_back(engine_);
}

}  // namespace lc::onednn
