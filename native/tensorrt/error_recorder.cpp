#include "tensorrt/error_recorder.h"

#include <utility>

#include "core/lc_backend.h"

namespace lc::trt {
namespace {

constexpr std::size_t kMaximumEntries = 16;

std::string trimmed(const char* text) {
  std::string result = text;
  result.erase(result.find_last_not_of(" \n\r.") + 1);
  return result;
}

}  // namespace

ErrorRecorder::ErrorRecorder(Log log) : log_(std::move(log)) {
  Logger::instance().add(*this);
}

ErrorRecorder::~ErrorRecorder() noexcept {
  Logger::instance().remove(*this);
}

void ErrorRecorder::detach() {
  detached_ = true;
  Logger::instance().remove(*this);
}

std::string ErrorRecorder::text() const {
  const std::lock_guard lock(mutex_);
  std::string joined;
  for (const Entry& entry : entries_) joined += (joined.empty() ? "" : "; ") + entry.text;
  return joined;
}

std::int32_t ErrorRecorder::getNbErrors() const noexcept {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int32_t>(entries_.size());
}

nvinfer1::ErrorCode ErrorRecorder::getErrorCode(std::int32_t index) const noexcept {
  const std::lock_guard lock(mutex_);
  const auto position = static_cast<std::size_t>(index);
  return position < entries_.size() ? entries_[position].code : nvinfer1::ErrorCode::kINVALID_ARGUMENT;
}

nvinfer1::IErrorRecorder::ErrorDesc ErrorRecorder::getErrorDesc(std::int32_t index) const noexcept {
  const std::lock_guard lock(mutex_);
  const auto position = static_cast<std::size_t>(index);
  return position < entries_.size() ? entries_[position].text.c_str() : "";
}

bool ErrorRecorder::hasOverflowed() const noexcept {
  const std::lock_guard lock(mutex_);
  return overflowed_;
}

void ErrorRecorder::clear() noexcept {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  overflowed_ = false;
}

bool ErrorRecorder::reportError(nvinfer1::ErrorCode code, ErrorDesc description) noexcept {
  try {
    keep(code, trimmed(description));
    if (!detached_) log_(LC_LOG_ERROR, description);
  } catch (...) {
    // An error without its text is still an error: the call that it belongs to fails.
  }
  return false;
}

void ErrorRecorder::onLine(std::int32_t level, const char* text) {
  if (level == LC_LOG_ERROR) keep(nvinfer1::ErrorCode::kUNSPECIFIED_ERROR, trimmed(text));
  log_(level, text);
}

void ErrorRecorder::keep(nvinfer1::ErrorCode code, std::string text) {
  const std::lock_guard lock(mutex_);
  if (!entries_.empty() && entries_.back().text == text) return;
  if (entries_.size() == kMaximumEntries) {
    overflowed_ = true;
    return;
  }
  entries_.push_back({code, std::move(text)});
}

}  // namespace lc::trt
