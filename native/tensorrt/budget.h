// Who is asked before device memory is allocated.
#pragma once

#include <cstdint>
#include <mutex>

#include "core/lc_backend.h"

namespace lc::trt {

// Any thread.
class Budget {
 public:
  virtual ~Budget() = default;
  // False: refused, and `available` says what is left.
  virtual bool reserve(std::uint64_t bytes, std::uint64_t& available) = 0;
  virtual void release(std::uint64_t bytes) = 0;
};

// The core's budget of a device.
class HostBudget final : public Budget {
 public:
  explicit HostBudget(const lc_host& host) : host_(host) {}
  bool reserve(std::uint64_t bytes, std::uint64_t& available) override {
    return host_.reserve(host_.self, bytes, &available) != 0;
  }
  void release(std::uint64_t bytes) override { host_.release(host_.self, bytes); }

 private:
  lc_host host_;
};

// A number of bytes.
class FixedBudget final : public Budget {
 public:
  explicit FixedBudget(std::uint64_t limit) : available_(limit) {}
  bool reserve(std::uint64_t bytes, std::uint64_t& available) override {
    const std::lock_guard lock(mutex_);
    available = available_;
    if (bytes > available_) return false;
    available_ -= bytes;
    return true;
  }
  void release(std::uint64_t bytes) override {
    const std::lock_guard lock(mutex_);
    available_ += bytes;
  }

 private:
  std::mutex mutex_;
  std::uint64_t available_;
};

}  // namespace lc::trt
