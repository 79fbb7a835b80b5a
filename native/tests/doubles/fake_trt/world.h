// What all objects of the fake TensorRT share: settings, counts, rules.
#pragma once

#include <NvInfer.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>

#include "fake_tensorrt.h"

namespace fake {

struct World {
  World();
  lc_fake_trt_options options{};
  lc_fake_trt_build lastBuild{};
  std::atomic<std::int64_t> objects = 0;
  std::atomic<std::int64_t> misuse = 0;
  std::atomic<std::int32_t> enqueues = 0;
  std::mutex mutex;
  std::set<void*> activationsInUse;

  std::int32_t version() const { return options.version != 0 ? options.version : NV_TENSORRT_VERSION; }
};

// Never destroyed: streams may outlive main().
World& world();

// Counts and prints a broken rule.
void expect(bool holds, const char* rule);

// An object that a caller owns.
struct Counted {
  Counted() { ++world().objects; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --world().objects; }

 protected:
  // A destructor of an object that is tied to a device says so first.
  static void leave();
};

// Where an object's errors go: to the recorder, without one to the logger.
class Errors {
 public:
  explicit Errors(nvinfer1::ILogger& logger) : logger_(logger) {}
  ~Errors() { setRecorder(nullptr); }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;
  void setRecorder(nvinfer1::IErrorRecorder* recorder);
  void report(nvinfer1::ErrorCode code, const char* text) const;

 private:
  nvinfer1::ILogger& logger_;
  nvinfer1::IErrorRecorder* recorder_ = nullptr;
};

}  // namespace fake
