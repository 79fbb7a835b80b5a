// TensorRT's log.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>
#include <mutex>
#include <vector>

namespace lc::trt {

class LogReader {
 public:
  // `level` is one of LC_LOG_*. Any thread.
  virtual void onLine(std::int32_t level, const char* text) = 0;

 protected:
  ~LogReader() = default;
};

// One for the process, as TensorRT keeps the first that it gets as its global one; never destroyed. Its lines
// do not say to which object they belong, so every reader gets all of them.
class Logger final : public nvinfer1::ILogger {
 public:
  static Logger& instance();

  void add(LogReader& reader);
  // When it returns, the reader is called no more.
  void remove(LogReader& reader);

  void log(Severity severity, const char* text) noexcept override;

 private:
  Logger() = default;

  std::mutex mutex_;
  std::vector<LogReader*> readers_;
};

}  // namespace lc::trt
