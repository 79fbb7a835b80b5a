// What other programs hold of the device's memory, over simulated time.
#pragma once

#include <cstdint>
#include <random>

#include "sim/settings.h"

namespace lc::sim {

class OtherPrograms {
 public:
  explicit OtherPrograms(const Settings& settings);

  // Bytes that they want at a simulated second; seconds never go back.
  std::uint64_t bytesAt(double second);

 private:
  std::uint64_t scheduled(double second) const;
  std::uint64_t comingAndGoing(double second);
  // Exponentially distributed: what happens at random, and as often at any time.
  double pause();

  const Settings& settings_;
  std::mt19937_64 random_;
  bool isThere_ = false;
  double nextChange_ = 0;
};

}  // namespace lc::sim
