// The toy back-end as the core's tests use it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "check.h"
#include "core/device_worker.h"
#include "doubles/toy_backend.h"

namespace lc::test {

std::shared_ptr<core::Context> toyContext();
lc_toy_counters toyCounters();
// Sets LC_TOY for the device that is opened next.
void toyOptions(const std::string& options);
// Nothing is left of any device, and no rule was broken.
void checkToyIsEmpty(const char* when);

// A file that is removed again.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Outcome {
  lc_code code = LC_OK;
  std::string message;
  std::uint64_t bytesAsked = 0;
  std::uint64_t bytesFree = 0;
  std::thread::id thread;
};

// Receives one completion.
template <typename... Values>
class Answer {
 public:
  core::Completion<Values...> completion() const {
    return [shared = shared_](const core::Error* error, const Values&... values) {
      const std::lock_guard lock(shared->mutex);
      ++shared->calls;
      shared->values = std::tuple<Values...>(values...);
      shared->outcome.thread = std::this_thread::get_id();
      if (error != nullptr) {
        shared->outcome.code = error->code();
        shared->outcome.message = error->what();
        shared->outcome.bytesAsked = error->bytesAsked();
        shared->outcome.bytesFree = error->bytesFree();
      }
      shared->changed.notify_all();
    };
  }
  Outcome wait() const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->calls > 0; });
    return shared_->outcome;
  }
  lc_code code() const { return wait().code; }
  auto value() const {
    wait();
    return std::get<0>(shared_->values);
  }
  int calls() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->calls;
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    int calls = 0;
    Outcome outcome;
    std::tuple<Values...> values;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// Random images of one size and a place for their moments, as an engine with 8 channels and stride 8 makes
// them.
class Batch {
 public:
  Batch(std::uint32_t count, std::uint32_t height, std::uint32_t width, std::uint64_t seed);
  core::EncodeRequest request(std::uint64_t ticket, std::uint32_t engine);
  // Whether the output is what toy_backend.h says.
  bool right() const;
  // Whether nothing was written to the output.
  bool untouched() const;
  lc_shape shape() const { return {static_cast<std::uint32_t>(images_.size()), height_, width_}; }

 private:
  const std::uint32_t height_;
  const std::uint32_t width_;
  std::vector<std::vector<std::uint8_t>> images_;
  std::vector<float> output_;
};

// How the toy's device is opened.
core::DeviceOptions toyDevice(std::uint64_t budget, std::uint32_t slots);

// Holds a device's thread in a completion until it is opened.
class Gate {
 public:
  // Returns once the thread stands at the gate.
  explicit Gate(core::DeviceWorker& worker);
  ~Gate() { open(); }
  void open();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false;
    bool open = false;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// A device with an engine for images of up to 1024 x 1024.
struct ToyDevice {
  explicit ToyDevice(const std::string& options = "", std::uint32_t slots = 2,
                     std::uint64_t budget = std::uint64_t{1} << 30);
  std::uint32_t load() { return loadPlan("toy"); }
  std::uint32_t loadPlan(const std::string& plan);
  Answer<> encode(Batch& batch, std::uint64_t ticket);
  core::RunMemory memoryFor(const lc_shape& shape);
  void close();

  Answer<> opened;
  std::unique_ptr<core::DeviceWorker> worker;
  std::uint32_t engine = 0;
};

}  // namespace lc::test
