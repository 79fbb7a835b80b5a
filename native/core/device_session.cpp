#include "core/device_session.h"

#include <cstring>
#include <string>
#include <utility>

#include "core/mapped_file.h"

namespace lc::core {

namespace {

lc_shape shapeOf(const EncodeRequest& request) {
  return {static_cast<std::uint32_t>(request.images.size()), request.height, request.width};
}

[[noreturn]] void wrongBytes(const char* what, std::uint64_t got, std::uint64_t expected) {
  throw Error(LC_INVALID,
              std::string(what) + " has " + std::to_string(got) + " bytes, not " + std::to_string(expected));
}

}  // namespace

DeviceSession::DeviceSession(const DeviceOptions& options, Budget& budget)
    : context_(options.context),
      backend_(context_->backend()),
      slots_(options.slots),
      host_{budget, options.log, {}},
      device_(nullptr, CloseDevice{&backend_}) {
  host_.functions.size = sizeof host_.functions;
  host_.functions.self = &host_;
  host_.functions.reserve = [](void* self, std::uint64_t bytes, std::uint64_t* available) -> std::int32_t {
    return static_cast<Host*>(self)->budget.reserve(bytes, *available) ? 1 : 0;
  };
  host_.functions.release = [](void* self, std::uint64_t bytes) {
    static_cast<Host*>(self)->budget.release(bytes);
  };
  host_.functions.log = [](void* self, std::int32_t level, const char* text) {
    try {
      if (const Log& log = static_cast<Host*>(self)->log) log(level, text);
    } catch (...) {
      // A lost message is no reason to stop; an exception must not pass through the back-end.
    }
  };
  lc_device* device = nullptr;
  lc_error error = emptyError();
  lc_device_options open{};
  open.size = sizeof open;
  open.device = options.device;
  open.slots = slots_;
  open.threads = options.threads;
  open.processors = options.processors.data();
  open.processor_count = static_cast<std::uint32_t>(options.processors.size());
  check(backend_.device_open(context_->get(), &open, &host_.functions, &device, &error), error);
  device_.reset(device);
  arena_ = std::make_unique<Arena>(backend_, device, budget, slots_);
}

DeviceSession::~DeviceSession() = default;

EngineInfo DeviceSession::loadEngine(const PlanLocation& location) {
  const MappedFile plan(location.path, location.offset, location.bytes);
  lc_engine* opened = nullptr;
  lc_error error = emptyError();
  check(backend_.engine_open(device_.get(), plan.bytes().data(), location.bytes, &opened, &error), error);
  return own(opened);
}

EngineInfo DeviceSession::loadNetwork(const Network& network) {
  if (backend_.engine_open_network == nullptr) {
    throw Error(LC_UNSUPPORTED, std::string("the back-end ") + backend_.name + " takes plans only");
  }
  lc_network given{};
  given.size = sizeof given;
  given.precision = network.precision;
  given.range = network.range;
  given.layers = network.layers.data();
  given.layer_count = static_cast<std::uint32_t>(network.layers.size());
  lc_engine* opened = nullptr;
  lc_error error = emptyError();
  check(backend_.engine_open_network(device_.get(), &given, &opened, &error), error);
  return own(opened);
}

EngineInfo DeviceSession::own(lc_engine* opened) {
  std::unique_ptr<lc_engine, CloseEngine> engine(opened, CloseEngine{&backend_});
  lc_engine_info info{};
  info.size = sizeof info;
  lc_error error = emptyError();
  check(backend_.engine_info(opened, &info, &error), error);
  const std::uint32_t id = nextEngine_++;
  engines_.emplace(id, std::move(engine));
  return {id, info.minimum, info.maximum, info.weight_bytes};
}

void DeviceSession::unloadEngine(std::uint32_t engine) {
  find(engine);
  engines_.erase(engine);
}

RunMemory DeviceSession::memoryFor(std::uint32_t engine, const lc_shape& shape) {
  const lc_run_memory memory = runMemory(engine, shape);
  return {memory.activation_bytes, memory.input_bytes, memory.output_bytes, core::arenaBytes(memory, slots_)};
}

lc_run_memory DeviceSession::prepare(const EncodeRequest& request) {
  const lc_run_memory memory = runMemory(request.engine, shapeOf(request));
  if (request.output.size_bytes() != memory.output_bytes) {
    wrongBytes("the output", request.output.size_bytes(), memory.output_bytes);
  }
  const std::uint64_t imageBytes = std::uint64_t{3} * request.height * request.width;
  for (const auto& image : request.images) {
    if (image.size() != imageBytes) wrongBytes("an image", image.size(), imageBytes);
  }
  if (memory.input_bytes != imageBytes * request.images.size()) {
    throw Error(LC_INTERNAL, "the back-end asks for an input of another size than the images have");
  }
  return memory;
}

void DeviceSession::submit(const EncodeRequest& request, std::uint32_t slot) {
  std::byte* staging = arena_->inputStaging(slot);
  for (const auto& image : request.images) {
    std::memcpy(staging, image.data(), image.size());
    staging += image.size();
  }
  lc_run run{};
  run.size = sizeof run;
  run.shape = shapeOf(request);
  run.slot = slot;
  arena_->place(run);
  lc_error error = emptyError();
  check(backend_.submit(find(request.engine), &run, &error), error);
}

void DeviceSession::finish(std::uint32_t slot) {
  lc_error error = emptyError();
  check(backend_.finish(device_.get(), slot, &error), error);
}

void DeviceSession::copyOutput(std::uint32_t slot, std::span<float> output) const {
  std::memcpy(output.data(), arena_->outputStaging(slot), output.size_bytes());
}

lc_engine* DeviceSession::find(std::uint32_t engine) const {
  const auto found = engines_.find(engine);
  if (found == engines_.end()) throw Error(LC_INVALID, "no engine with the number " + std::to_string(engine));
  return found->second.get();
}

lc_run_memory DeviceSession::runMemory(std::uint32_t engine, const lc_shape& shape) const {
  lc_run_memory memory{};
  memory.size = sizeof memory;
  lc_error error = emptyError();
  check(backend_.engine_memory(find(engine), &shape, &memory, &error), error);
  return memory;
}

}  // namespace lc::core
