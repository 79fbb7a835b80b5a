#include "toy.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace lc::test {

std::shared_ptr<core::Context> toyContext() {
  return core::Context::open(LC_TOY_PLUGIN, {});
}

lc_toy_counters toyCounters() {
  toyContext();
  void* library = ::dlopen(LC_TOY_PLUGIN, RTLD_NOW | RTLD_NOLOAD);
  lc_toy_counters counters{};
  reinterpret_cast<lc_toy_counters_function>(::dlsym(library, LC_TOY_COUNTERS_SYMBOL))(&counters);
  ::dlclose(library);
  return counters;
}

void toyOptions(const std::string& options) {
  ::setenv("LC_TOY", options.c_str(), 1);
}

void checkToyIsEmpty(const char* when) {
  const lc_toy_counters counters = toyCounters();
  check(counters.live_bytes == 0, "%s: %llu bytes are live", when,
        static_cast<unsigned long long>(counters.live_bytes));
  check(counters.live_engines == 0 && counters.live_devices == 0, "%s: an engine or a device is open", when);
  check(counters.misuses == 0, "%s: a rule was broken: %s", when, counters.misuse);
}

TemporaryFile::TemporaryFile(const std::string& content) {
  path_ = (std::filesystem::temp_directory_path() / "latent-cache-XXXXXX").string();
  ::close(::mkstemp(path_.data()));
  std::ofstream(path_) << content;
}

TemporaryFile::~TemporaryFile() {
  ::unlink(path_.c_str());
}

Batch::Batch(std::uint32_t count, std::uint32_t height, std::uint32_t width, std::uint64_t seed)
    : height_(height),
      width_(width),
      images_(count, std::vector<std::uint8_t>(std::size_t{3} * height * width)),
      output_(std::size_t{count} * 8 * (height / 8) * (width / 8), NAN) {
  std::mt19937_64 random(seed);
  for (auto& image : images_)
    std::ranges::generate(image, [&] { return static_cast<std::uint8_t>(random()); });
}

core::EncodeRequest Batch::request(std::uint64_t ticket, std::uint32_t engine) {
  return {ticket, engine, {images_.begin(), images_.end()}, height_, width_, output_};
}

bool Batch::right() const {
  const std::size_t rows = height_ / 8;
  const std::size_t columns = width_ / 8;
  for (std::size_t i = 0; i < output_.size(); ++i) {
    const std::size_t x = i % columns;
    const std::size_t y = i / columns % rows;
    const std::size_t c = i / (columns * rows) % 8;
    const auto& image = images_[i / (columns * rows * 8)];
    if (output_[i] != static_cast<float>(image[(y * 8 * width_ + x * 8) * 3 + c % 3] + c)) return false;
  }
  return true;
}

bool Batch::untouched() const {
  return std::ranges::all_of(output_, [](float value) { return std::isnan(value); });
}

Gate::Gate(core::DeviceWorker& worker) {
  worker.unloadEngine(0, [shared = shared_](const core::Error*) {
    std::unique_lock lock(shared->mutex);
    shared->reached = true;
    shared->changed.notify_all();
    shared->changed.wait(lock, [&] { return shared->open; });
  });
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [&] { return shared_->reached; });
}

void Gate::open() {
  const std::lock_guard lock(shared_->mutex);
  shared_->open = true;
  shared_->changed.notify_all();
}

core::DeviceOptions toyDevice(std::uint64_t budget, std::uint32_t slots) {
  core::DeviceOptions options{};
  options.context = toyContext();
  options.memoryBudget = budget;
  options.slots = slots;
  return options;
}

ToyDevice::ToyDevice(const std::string& options, std::uint32_t slots, std::uint64_t budget) {
  toyOptions(options);
  worker = std::make_unique<core::DeviceWorker>(toyDevice(budget, slots), opened.completion());
  if (opened.code() == LC_OK) engine = load();
}

std::uint32_t ToyDevice::loadPlan(const std::string& plan) {
  const TemporaryFile file(plan);
  const Answer<core::EngineInfo> answer;
  worker->loadEngine({file.path(), 0, plan.size()}, answer.completion());
  return answer.value().id;
}

Answer<> ToyDevice::encode(Batch& batch, std::uint64_t ticket) {
  const Answer<> answer;
  worker->encode(batch.request(ticket, engine), answer.completion());
  return answer;
}

core::RunMemory ToyDevice::memoryFor(const lc_shape& shape) {
  const Answer<core::RunMemory> answer;
  worker->memoryFor(engine, shape, answer.completion());
  return answer.value();
}

void ToyDevice::close() {
  const Answer<> answer;
  worker->close(answer.completion());
  answer.wait();
}

}  // namespace lc::test
