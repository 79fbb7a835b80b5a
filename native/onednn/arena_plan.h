// Where the values of a run lie: what is not needed at the same time shares memory.
#pragma once

#include <cstdint>
#include <vector>

namespace lc::onednn {

// Values are alive from the step that writes them first to the one that reads them last, both included.
class ArenaPlan {
 public:
  struct Lifetime {
    std::uint32_t first;
    std::uint32_t last;
  };

  // Returns a number for offset(). Throws Failure (LC_SHAPE) when the sum leaves 63 bits.
  std::uint32_t add(std::uint64_t bytes, const Lifetime& lifetime);
  // Places everything: the largest first, each at the lowest offset that is free in its lifetime.
  void place();
  // A multiple of LC_ALIGNMENT.
  std::uint64_t offset(std::uint32_t number) const { return items_[number].offset; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Item {
    std::uint64_t bytes;
    Lifetime lifetime;
    std::uint64_t offset;
  };

  std::vector<Item> items_;
  std::uint64_t sum_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace lc::onednn
