// What TensorRT says about errors, kept for our own messages.
#pragma once

#include <NvInferRuntime.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "tensorrt/logger.h"

namespace lc::trt {

// Set as the error recorder of a builder or a runtime, and thereby of everything that comes from it. Reads
// the log as well: not every error takes the way through a recorder.
class ErrorRecorder final : public nvinfer1::IErrorRecorder, private LogReader {
 public:
  // Receives every line: a level of LC_LOG_* and the text. Called from any thread.
  using Log = std::function<void(std::int32_t, const char*)>;
  explicit ErrorRecorder(Log log);
  ~ErrorRecorder() noexcept override;
  ErrorRecorder(const ErrorRecorder&) = delete;
  ErrorRecorder& operator=(const ErrorRecorder&) = delete;

  // The errors since clear(), oldest first, joined by "; ". Empty when there are none.
  std::string text() const;
  // From now on `log` is not called.
  void detach();

  std::int32_t getNbErrors() const noexcept override;
  nvinfer1::ErrorCode getErrorCode(std::int32_t index) const noexcept override;
  // Stays valid until clear().
  ErrorDesc getErrorDesc(std::int32_t index) const noexcept override;
  bool hasOverflowed() const noexcept override;
  void clear() noexcept override;
  bool reportError(nvinfer1::ErrorCode code, ErrorDesc description) noexcept override;
  RefCount incRefCount() noexcept override { return ++references_; }
  RefCount decRefCount() noexcept override { return --references_; }

 private:
  void onLine(std::int32_t level, const char* text) override;
  void keep(nvinfer1::ErrorCode code, std::string text);

  struct Entry {
    nvinfer1::ErrorCode code;
    std::string text;
  };
  const Log log_;
  mutable std::mutex mutex_;
  // References to its elements survive push_back.
  std::deque<Entry> entries_;
  bool overflowed_ = false;
  std::atomic<bool> detached_ = false;
  std::atomic<RefCount> references_ = 0;
};

}  // namespace lc::trt
