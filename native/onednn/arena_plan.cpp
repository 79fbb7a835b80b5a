#include "onednn/arena_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/lc_backend.h"
#include "plugin/failure.h"

namespace lc::onednn {

std::uint32_t ArenaPlan::add(std::uint64_t bytes, const Lifetime& lifetime) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (bytes > kMost - LC_ALIGNMENT || bytes > kMost - LC_ALIGNMENT - sum_) {
    throw plugin::Failure(LC_SHAPE, "", "Images of this size need more memory than can be counted");
  }
  const std::uint64_t aligned = (bytes + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
  sum_ += aligned;
  items_.push_back({aligned, lifetime, 0});
  return static_cast<std::uint32_t>(items_.size() - 1);
}

void ArenaPlan::place() {
  std::vector<std::uint32_t> order(items_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return items_[a].bytes > items_[b].bytes; });
  // Those placed already, by offset.
  std::vector<const Item*> placed;
  for (const std::uint32_t number : order) {
    Item& item = items_[number];
    for (const Item* other : placed) {
      const bool meets =
          item.lifetime.first <= other->lifetime.last && other->lifetime.first <= item.lifetime.last;
      if (!meets) continue;
      if (item.offset + item.bytes <= other->offset) break;
      item.offset = std::max(item.offset, other->offset + other->bytes);
    }
    const auto behind =
        std::upper_bound(placed.begin(), placed.end(), item.offset,
                         [](std::uint64_t offset, const Item* other) { return offset < other->offset; });
    placed.insert(behind, &item);
    bytes_ = std::max(bytes_, item.offset + item.bytes);
  }
}

}  // namespace lc::onednn
