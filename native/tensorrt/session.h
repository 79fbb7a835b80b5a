// What a builder or a runtime of TensorRT's is given, and how its failures are understood.
#pragma once

#include <memory>
#include <string>

#include "tensorrt/allocator.h"
#include "tensorrt/budget.h"
#include "tensorrt/error_recorder.h"
#include "tensorrt/gpu.h"
#include "tensorrt/handles.h"

namespace lc::trt {

// Outlives every object of TensorRT's on its device. To be made with open().
class Session {
 public:
  struct Close {
    void operator()(Session* session) const;
  };
  using Pointer = std::unique_ptr<Session, Close>;

  // Makes the device current on the calling thread. Throws Failure.
  static Pointer open(const cuda::Runtime& runtime, std::uint32_t device, std::unique_ptr<Budget> budget,
                      ErrorRecorder::Log log);

  Gpu& gpu() { return gpu_; }
  ErrorRecorder& recorder() { return recorder_; }
  Allocator& allocator() { return allocator_; }
  // The one on which networks run.
  Stream& stream() { return stream_; }

  // To be called before a call that fail() may have to explain: forgets earlier errors and refusals.
  void begin();
  // Explains a call that gave nullptr or false: the device is lost, memory was refused, or else `code` and
  // `what` with TensorRT's own words. TensorRT's error codes do not tell these apart.
  [[noreturn]] void fail(lc_code code, const char* operation, const std::string& what);
  // Waits for the stream, and notices when the device is lost. Leaves no error in CUDA's state.
  void settle() noexcept;

 private:
  Session(const cuda::Runtime& runtime, std::uint32_t device, std::unique_ptr<Budget> budget,
          ErrorRecorder::Log log);

  Gpu gpu_;
  std::unique_ptr<Budget> budget_;
  ErrorRecorder recorder_;
  Allocator allocator_;
  Stream stream_;
};

}  // namespace lc::trt
