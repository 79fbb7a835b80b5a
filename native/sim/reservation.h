// Addresses without memory behind them: whoever touches one is stopped by the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lc::sim {

class Reservation {
 public:
  // Throws std::bad_alloc.
  explicit Reservation(std::uint64_t bytes);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  std::byte* base() const { return base_; }

 private:
  std::byte* base_;
  const std::size_t bytes_;
};

}  // namespace lc::sim
