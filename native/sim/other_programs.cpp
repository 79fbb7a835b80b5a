#include "sim/other_programs.h"

#include <cmath>

namespace lc::sim {

OtherPrograms::OtherPrograms(const Settings& settings) : settings_(settings), random_(settings.seed) {
  nextChange_ = pause();
}

std::uint64_t OtherPrograms::bytesAt(double second) {
  return scheduled(second) + comingAndGoing(second);
}

std::uint64_t OtherPrograms::scheduled(double second) const {
  std::uint64_t bytes = 0;
  for (const Step& step : settings_.others) {
    if (step.second > second) break;
    bytes = step.bytes;
  }
  return bytes;
}

std::uint64_t OtherPrograms::comingAndGoing(double second) {
  if (settings_.randomBytes == 0) return 0;
  while (nextChange_ <= second) {
    isThere_ = !isThere_;
    nextChange_ += pause();
  }
  return isThere_ ? settings_.randomBytes : 0;
}

double OtherPrograms::pause() {
  // 53 bits, so that 1 is never reached.
  const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
  return -std::log1p(-uniform) * settings_.randomPeriod;
}

}  // namespace lc::sim
