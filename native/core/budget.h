// The bytes of device memory that one open device may hold.
#pragma once

#include <cstdint>
#include <mutex>

namespace lc::core {

class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Before an allocation. False: refused, and counted; `available` is what was left in either case.
  bool reserve(std::uint64_t bytes, std::uint64_t& available);
  void release(std::uint64_t bytes);
  // Counts an allocation that the device refused after the budget had granted it.
  void deny();

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const;
  std::uint64_t peak() const;
  std::uint64_t denied() const;

 private:
  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::uint64_t used_ = 0;
  std::uint64_t peak_ = 0;
  std::uint64_t denied_ = 0;
};

}  // namespace lc::core
