// A network with its weights on a device.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <optional>

#include "core/lc_backend.h"
#include "tensorrt/handles.h"
#include "tensorrt/session.h"

namespace lc::trt {

class Engine {
 public:
  // `runtime` and `session` must outlive it; `plan` need not. Throws Failure: LC_ENGINE_INVALID for a plan
  // that does not load here or is none of ours.
  Engine(nvinfer1::IRuntime& runtime, Session& session, const void* plan, std::uint64_t byteCount);

  const lc_shape& minimum() const { return minimum_; }
  const lc_shape& maximum() const { return maximum_; }
  // Device memory that TensorRT took while it was loaded.
  std::uint64_t weightBytes() const { return weightBytes_; }

  // Throws LC_SHAPE for a shape out of range.
  const lc_run_memory& memoryFor(const lc_shape& shape);

  // Checks a run and sets its addresses; then enqueue() starts it on the session's stream. After a failure
  // nothing is left on that stream, and the next run gets a new context.
  void prepare(const lc_run& run);
  void enqueue();

 private:
  struct Prepared {
    lc_shape shape;
    lc_run_memory memory;
  };

  void readTensors();
  nvinfer1::IExecutionContext& context();
  void setShape(const lc_shape& shape);
  std::uint64_t activationBytes();
  std::uint64_t outputBytes(const lc_shape& shape);
  [[noreturn]] void discardContext(const char* operation, lc_code code = LC_INTERNAL);

  Session& session_;
  Object<nvinfer1::ICudaEngine> engine_;
  Object<nvinfer1::IExecutionContext> context_;
  lc_shape minimum_{};
  lc_shape maximum_{};
  bool isDynamic_ = false;
  std::uint64_t weightBytes_ = 0;
  // The shape that is set in the context.
  std::optional<Prepared> prepared_;
};

}  // namespace lc::trt
