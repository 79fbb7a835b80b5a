#include "tensorrt/progress.h"

namespace lc::trt {

void Progress::phaseStart(const char* phase, const char*, std::int32_t steps) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    stepsOf_.insert_or_assign(phase, steps);
  } catch (...) {
    // Its steps are then reported without their number.
  }
  report(phase, 0, steps);
}

bool Progress::stepComplete(const char* phase, std::int32_t step) noexcept {
  std::int32_t steps = 0;
  try {
    const std::lock_guard lock(mutex_);
    if (const auto found = stepsOf_.find(phase); found != stepsOf_.end()) steps = found->second;
  } catch (...) {
  }
  report(phase, step + 1, steps);
  return !isCancelled_;
}

void Progress::phaseFinish(const char* phase) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (const auto found = stepsOf_.find(phase); found != stepsOf_.end()) stepsOf_.erase(found);
  } catch (...) {
  }
}

void Progress::report(const char* phase, std::int32_t step, std::int32_t steps) noexcept {
  if (build_.on_progress(build_.self, phase, step, steps) == 0) isCancelled_ = true;
}

}  // namespace lc::trt
