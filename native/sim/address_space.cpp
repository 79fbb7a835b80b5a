#include "sim/address_space.h"

#include <algorithm>
#include <iterator>

namespace lc::sim {

std::uint64_t wholeGranules(std::uint64_t bytes) {
  return (bytes / kGranule + (bytes % kGranule != 0 || bytes == 0 ? 1 : 0)) * kGranule;
}

AddressSpace::AddressSpace(std::uint64_t bytes) {
  const std::uint64_t whole = bytes / kGranule * kGranule;
  if (whole > 0) holes_.emplace(0, whole);
}

std::optional<std::uint64_t> AddressSpace::take(std::uint64_t bytes) {
  const auto hole = std::ranges::find_if(holes_, [&](const auto& each) { return each.second >= bytes; });
  if (hole == holes_.end()) return std::nullopt;
  const auto [offset, size] = *hole;
  holes_.erase(hole);
  if (size > bytes) holes_.emplace(offset + bytes, size - bytes);
  return offset;
}

void AddressSpace::give(std::uint64_t offset, std::uint64_t bytes) {
  auto next = holes_.lower_bound(offset);
  if (next != holes_.end() && next->first == offset + bytes) {
    bytes += next->second;
    next = holes_.erase(next);
  }
  if (next != holes_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  holes_.emplace(offset, bytes);
}

std::uint64_t AddressSpace::largestHole() const {
  std::uint64_t largest = 0;
  for (const auto& [offset, bytes] : holes_) largest = std::max(largest, bytes);
  return largest;
}

}  // namespace lc::sim
