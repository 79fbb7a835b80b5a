#include "tensorrt/logger.h"

#include "core/lc_backend.h"

namespace lc::trt {
namespace {

std::int32_t levelOf(nvinfer1::ILogger::Severity severity) {
  switch (severity) {
    case nvinfer1::ILogger::Severity::kINTERNAL_ERROR:
    case nvinfer1::ILogger::Severity::kERROR:
      return LC_LOG_ERROR;
    case nvinfer1::ILogger::Severity::kWARNING:
      return LC_LOG_WARNING;
    default:
      return LC_LOG_INFO;
  }
}

}  // namespace

Logger& Logger::instance() {
  static auto& logger = *new Logger;
  return logger;
}

void Logger::add(LogReader& reader) {
  const std::lock_guard lock(mutex_);
  readers_.push_back(&reader);
}

void Logger::remove(LogReader& reader) {
  const std::lock_guard lock(mutex_);
  std::erase(readers_, &reader);
}

void Logger::log(Severity severity, const char* text) noexcept {
  if (severity == Severity::kVERBOSE) return;
  try {
    const std::lock_guard lock(mutex_);
    for (LogReader* reader : readers_) reader->onLine(levelOf(severity), text);
  } catch (...) {
    // A lost line is no reason to end the process.
  }
}

}  // namespace lc::trt
