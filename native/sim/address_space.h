// Addresses on the device, handed out first-fit: memory that is free in pieces does not serve a large
// request.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace lc::sim {

// What CUDA rounds allocations of device memory up to.
inline constexpr std::uint64_t kGranule = std::uint64_t{2} << 20;

std::uint64_t wholeGranules(std::uint64_t bytes);

class AddressSpace {
 public:
  explicit AddressSpace(std::uint64_t bytes);

  // Of whole granules. None: no hole is large enough.
  std::optional<std::uint64_t> take(std::uint64_t bytes);
  // What was taken, from its first address on.
  void give(std::uint64_t offset, std::uint64_t bytes);
  std::uint64_t largestHole() const;

 private:
  std::map<std::uint64_t, std::uint64_t> holes_;  // offset, bytes; no two touch
};

}  // namespace lc::sim
