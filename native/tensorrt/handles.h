// Owners of CUDA's and TensorRT's objects that leave them alone once the device is lost.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "tensorrt/gpu.h"

namespace lc::trt {

class Stream {
 public:
  // Not the default stream, at which TensorRT would synchronise the device.
  explicit Stream(Gpu& gpu) : gpu_(gpu) {
    gpu.check(gpu.call().cudaStreamCreateWithFlags(&stream_, cuda::kStreamNonBlocking),
              "cudaStreamCreateWithFlags");
  }
  ~Stream() {
    if (!gpu_.lost()) gpu_.succeeded(gpu_.call().cudaStreamDestroy(stream_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cuda::Stream get() const { return stream_; }
  // Whether everything queued so far has ended well.
  bool synchronize() noexcept {
    return !gpu_.lost() && gpu_.succeeded(gpu_.call().cudaStreamSynchronize(stream_));
  }

 private:
  Gpu& gpu_;
  cuda::Stream stream_ = nullptr;
};

class Event {
 public:
  Event(Gpu& gpu, unsigned flags) : gpu_(gpu) {
    gpu.check(gpu.call().cudaEventCreateWithFlags(&event_, flags | cuda::kEventDisableTiming),
              "cudaEventCreateWithFlags");
  }
  ~Event() {
    if (!gpu_.lost()) gpu_.succeeded(gpu_.call().cudaEventDestroy(event_));
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cuda::Event get() const { return event_; }

 private:
  Gpu& gpu_;
  cuda::Event event_ = nullptr;
};

// Keeps an object to the end of the process.
inline void abandon(void* object) {
  static std::mutex mutex;
  static auto& objects = *new std::vector<void*>;
  const std::lock_guard lock(mutex);
  objects.push_back(object);
}

struct DeleteUnlessLost {
  const Gpu* gpu;
  template <typename Type>
  void operator()(Type* object) const {
    if (gpu->lost()) {
      abandon(object);
    } else {
      delete object;
    }
  }
};

// An object of TensorRT's.
template <typename Type>
using Object = std::unique_ptr<Type, DeleteUnlessLost>;

template <typename Type>
Object<Type> own(Type* object, const Gpu& gpu) {
  return Object<Type>(object, DeleteUnlessLost{&gpu});
}

}  // namespace lc::trt
