#include "fake_trt/world.h"

#include <cstdio>
#include <cstdlib>

#include "fake_trt/run.h"
#include "settings.h"

[[noreturn]] void stubCalled(const char* name) {
  std::fprintf(stderr, "the fake TensorRT has no %s\n", name);
  std::abort();
}

namespace fake {

World::World() {
  const Settings settings("LC_FAKE_TRT");
  options.version = settings.get("version", 0);
  options.parser_fails = settings.get("parser_fails", 0);
  options.build_fails = settings.get("build_fails", 0);
  options.build_ms = settings.get("build_ms", 0);
  options.run_us = settings.get("run_us", 1000);
  options.pixel_bytes = settings.get("pixel_bytes", std::int64_t{16});
  options.enqueue_fails_at = settings.get("enqueue_fails_at", 0);
}

World& world() {
  static World* const instance = new World();
  return *instance;
}

void expect(bool holds, const char* rule) {
  if (holds) return;
  ++world().misuse;
  std::fprintf(stderr, "fake TensorRT: %s\n", rule);
}

void Counted::leave() {
  expect(!isDeviceLossKnown(), "an object is destroyed although its device is lost");
}

void Errors::setRecorder(nvinfer1::IErrorRecorder* recorder) {
  if (recorder_ != nullptr) recorder_->decRefCount();
  recorder_ = recorder;
  if (recorder_ != nullptr) recorder_->incRefCount();
}

void Errors::report(nvinfer1::ErrorCode code, const char* text) const {
  if (recorder_ != nullptr) {
    recorder_->reportError(code, text);
  } else {
    logger_.log(nvinfer1::ILogger::Severity::kERROR, text);
  }
}

}  // namespace fake

extern "C" __attribute__((visibility("default"))) void lc_fake_trt_reset(const lc_fake_trt_options* options) {
  fake::World& w = fake::world();
  w.options = *options;
  w.lastBuild = {};
  w.objects = 0;
  w.misuse = 0;
  w.enqueues = 0;
  w.activationsInUse.clear();
}

extern "C" __attribute__((visibility("default"))) void lc_fake_trt_query(lc_fake_trt_state* state) {
  *state = {fake::world().objects, fake::world().misuse, fake::world().lastBuild};
}

extern "C" __attribute__((visibility("default"))) std::int32_t getInferLibVersion() noexcept {
  return fake::world().version();
}
