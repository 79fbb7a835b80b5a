#include "sim/card.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

extern "C" const lc_backend* lc_backend_table();

namespace lc::test {
namespace {

const lc_backend& table() {
  return *lc_backend_table();
}

lc_error empty() {
  lc_error error{};
  error.size = sizeof error;
  return error;
}

void require(lc_code code, const lc_error& error) {
  if (code == LC_OK) return;
  std::fprintf(stderr, "%s: %s\n", error.operation, error.message);
  std::exit(1);
}

lc_code openContext(const std::string& settings, lc_context** context, lc_error* error) {
  const lc_options options{sizeof(lc_options), nullptr, 0, settings.c_str()};
  return table().context_open(&options, context, error);
}

}  // namespace

Context::Context(const std::string& settings) {
  static int worlds = 0;
  const bool isNamed = settings.find("world=") != std::string::npos;
  lc_error error = empty();
  require(
      openContext(isNamed ? settings : settings + " world=" + std::to_string(++worlds), &context_, &error),
      error);
}

Context::~Context() {
  table().context_close(context_);
}

std::uint64_t Context::freeBytes() const {
  std::uint64_t free = 0;
  memory(free);
  return free;
}

lc_code Context::memory(std::uint64_t& freeBytes) const {
  std::uint64_t total = 0;
  lc_error error = empty();
  return table().memory_info(context_, 0, &freeBytes, &total, &error);
}

Card::Card(const Context& context, std::uint64_t budget) : budget_(budget) {
  host_ = {sizeof(lc_host), this,
           [](void* self, std::uint64_t bytes, std::uint64_t* available) -> std::int32_t {
             auto& card = *static_cast<Card*>(self);
             *available = card.budget_ - card.reserved_;
             if (bytes > *available) return 0;
             card.reserved_ += bytes;
             return 1;
           },
           [](void* self, std::uint64_t bytes) { static_cast<Card*>(self)->reserved_ -= bytes; },
           [](void*, std::int32_t, const char*) {}};
  const lc_device_options options{sizeof(lc_device_options), 0, 2, 1, nullptr, 0};
  require(table().device_open(context.get(), &options, &host_, &device_, fresh()), error);
}

Card::~Card() {
  table().device_close(device_);
}

void* Card::allocate(std::uint64_t bytes) {
  void* block = nullptr;
  return table().block_alloc(device_, bytes, &block, fresh()) == LC_OK ? block : nullptr;
}

void Card::release(void* block) {
  table().block_free(device_, block);
}

void* Card::allocateStaging(std::uint64_t bytes) {
  void* block = nullptr;
  return table().staging_alloc(device_, bytes, &block, fresh()) == LC_OK ? block : nullptr;
}

void Card::releaseStaging(void* block) {
  table().staging_free(device_, block);
}

lc_engine* Card::open(const std::string& plan) {
  lc_engine* engine = nullptr;
  table().engine_open(device_, plan.data(), plan.size(), &engine, fresh());
  return engine;
}

void Card::close(lc_engine* engine) {
  table().engine_close(engine);
}

lc_code Card::memoryFor(lc_engine* engine, const lc_shape& shape, lc_run_memory& memory) {
  memory = {};
  memory.size = sizeof memory;
  return table().engine_memory(engine, &shape, &memory, fresh());
}

std::vector<float> Card::run(lc_engine* engine, const lc_shape& shape,
                             const std::vector<std::uint8_t>& images, std::uint32_t slot) {
  lc_run_memory needed{};
  if (memoryFor(engine, shape, needed) != LC_OK) return {};
  void* block = allocate(needed.activation_bytes + needed.input_bytes + needed.output_bytes);
  if (block == nullptr) return {};
  std::vector<float> moments(needed.output_bytes / sizeof(float));
  auto* bytes = static_cast<std::byte*>(block);
  lc_run run{};
  run.size = sizeof run;
  run.shape = shape;
  run.slot = slot;
  run.activations = block;
  run.activation_bytes = needed.activation_bytes;
  run.device_input = bytes + needed.activation_bytes;
  run.device_output = bytes + needed.activation_bytes + needed.input_bytes;
  run.host_input = images.data();
  run.host_output = moments.data();
  lc_code code = table().submit(engine, &run, fresh());
  if (code == LC_OK) code = table().finish(device_, slot, fresh());
  release(block);
  return code == LC_OK ? moments : std::vector<float>();
}

lc_error* Card::fresh() {
  error = empty();
  return &error;
}

lc_error opening(const std::string& settings) {
  lc_error error = empty();
  lc_context* context = nullptr;
  if (openContext(settings, &context, &error) == LC_OK) table().context_close(context);
  return error;
}

std::vector<std::uint8_t> randomImages(const lc_shape& shape, std::uint64_t seed) {
  std::vector<std::uint8_t> images(std::size_t{3} * shape.count * shape.height * shape.width);
  std::mt19937_64 random(seed);
  std::ranges::generate(images, [&] { return static_cast<std::uint8_t>(random()); });
  return images;
}

}  // namespace lc::test
