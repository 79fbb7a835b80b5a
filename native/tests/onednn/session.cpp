#include "onednn/session.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "onednn/guarded_block.h"

extern "C" const lc_backend* lc_backend_table();

namespace lc::test {

lc_host BudgetHost::table() {
  return {sizeof(lc_host), this, reserve, release, [](void*, std::int32_t, const char*) {}};
}

std::int32_t BudgetHost::reserve(void* self, std::uint64_t bytes, std::uint64_t* available) {
  auto& host = *static_cast<BudgetHost*>(self);
  const std::lock_guard lock(host.mutex_);
  *available = host.budget_ - host.reserved_;
  if (++host.reserves_ == host.refused_ || bytes > *available) return 0;
  host.reserved_ += bytes;
  return 1;
}

void BudgetHost::release(void* self, std::uint64_t bytes) {
  auto& host = *static_cast<BudgetHost*>(self);
  const std::lock_guard lock(host.mutex_);
  if (bytes > host.reserved_) host.balanced_ = false;
  host.reserved_ -= bytes;
}

Session::Session(BudgetHost& host, std::uint32_t threads) : backend_(cpuBackend()) {
  const lc_options options{sizeof(lc_options), nullptr, 0, nullptr};
  require(backend_.context_open(&options, &context_, fresh()), "context_open");
  const lc_device_options how{sizeof(lc_device_options), 0, 1, threads, nullptr, 0};
  const lc_host table = host.table();
  require(backend_.device_open(context_, &how, &table, &device_, fresh()), "device_open");
}

Session::~Session() {
  if (engine_ != nullptr) backend_.engine_close(engine_);
  backend_.device_close(device_);
  backend_.context_close(context_);
}

lc_code Session::open(const lc_network& network) {
  return backend_.engine_open_network(device_, &network, &engine_, fresh());
}

lc_code Session::memoryFor(const lc_shape& shape, lc_run_memory& memory) {
  memory = {};
  memory.size = sizeof memory;
  return backend_.engine_memory(engine_, &shape, &memory, fresh());
}

lc_engine_info Session::info() {
  lc_engine_info info{};
  info.size = sizeof info;
  require(backend_.engine_info(engine_, &info, fresh()), "engine_info");
  return info;
}

std::vector<float> Session::run(const lc_shape& shape, const std::vector<std::uint8_t>& pixels,
                                const Surroundings& surroundings) {
  lc_run_memory memory;
  require(memoryFor(shape, memory), "engine_memory");
  const GuardedBlock arena(memory.activation_bytes, surroundings.edge, surroundings.content);
  const GuardedBlock input(memory.input_bytes, surroundings.edge, surroundings.content);
  const GuardedBlock output(memory.output_bytes, surroundings.edge, surroundings.content);
  std::memcpy(input.data(), pixels.data(), memory.input_bytes);
  lc_run run{};
  run.size = sizeof run;
  run.shape = shape;
  run.activations = arena.data();
  run.activation_bytes = memory.activation_bytes;
  run.host_input = input.data();
  run.host_output = output.data();
  require(backend_.submit(engine_, &run, fresh()), "submit");
  require(backend_.finish(device_, 0, fresh()), "finish");
  const auto* moments = static_cast<const float*>(output.data());
  return {moments, moments + memory.output_bytes / sizeof(float)};
}

lc_code Session::submit(const lc_shape& shape, std::uint64_t activationBytes) {
  lc_run run{};
  run.size = sizeof run;
  run.shape = shape;
  run.activation_bytes = activationBytes;
  return backend_.submit(engine_, &run, fresh());
}

lc_error* Session::fresh() {
  error_ = {};
  error_.size = sizeof error_;
  return &error_;
}

void Session::require(lc_code code, const char* what) const {
  if (code == LC_OK) return;
  std::fprintf(stderr, "FAILED: %s: code %d, %s: %s\n", what, code, error_.operation, error_.message);
  std::exit(1);
}

const lc_backend& cpuBackend() {
  return *lc_backend_table();
}

std::vector<lc_precision> precisionsHere() {
  const lc_precision* all = nullptr;
  const std::uint32_t count = cpuBackend().context_precisions(nullptr, &all);
  return {all, all + count};
}

lc_precision precisionNamed(const std::string& name) {
  const lc_precision precision = name == "fp32" ? LC_FP32 : name == "bf16" ? LC_BF16 : LC_BF16X3;
  const std::vector<lc_precision> here = precisionsHere();
  if (std::find(here.begin(), here.end(), precision) == here.end()) {
    std::printf("skipped: this CPU has no instructions for %s\n", name.c_str());
    std::exit(77);
  }
  return precision;
}

}  // namespace lc::test
