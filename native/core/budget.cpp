#include "core/budget.h"

#include <algorithm>

namespace lc::core {

bool Budget::reserve(std::uint64_t bytes, std::uint64_t& available) {
  const std::lock_guard lock(mutex_);
  available = limit_ - used_;
  if (bytes > available) {
    ++denied_;
    return false;
  }
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  return true;
}

void Budget::release(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= std::min(bytes, used_);
}

void Budget::deny() {
  const std::lock_guard lock(mutex_);
  ++denied_;
}

std::uint64_t Budget::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

std::uint64_t Budget::peak() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

std::uint64_t Budget::denied() const {
  const std::lock_guard lock(mutex_);
  return denied_;
}

}  // namespace lc::core
