// Progress of a build, and its end before time.
#pragma once

#include <NvInfer.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "core/lc_backend.h"

namespace lc::trt {

// TensorRT calls it from threads of its own, phases nest, and there are minutes without a call.
class Progress final : public nvinfer1::IProgressMonitor {
 public:
  explicit Progress(const lc_build& build) : build_(build) {}

  // Whether the caller has asked for the end. A build that fails does not tell why otherwise.
  bool isCancelled() const { return isCancelled_; }

  void phaseStart(const char* phase, const char* parent, std::int32_t steps) noexcept override;
  bool stepComplete(const char* phase, std::int32_t step) noexcept override;
  void phaseFinish(const char* phase) noexcept override;

 private:
  void report(const char* phase, std::int32_t step, std::int32_t steps) noexcept;

  const lc_build& build_;
  std::atomic<bool> isCancelled_ = false;
  std::mutex mutex_;
  std::map<std::string, std::int32_t, std::less<>> stepsOf_;
};

}  // namespace lc::trt
