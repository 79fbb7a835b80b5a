// Tiles cover a map: each pixel once, and nothing beyond it.
#include "onednn/tiling.h"

#include <random>
#include <vector>

#include "check.h"

using namespace lc::test;
using namespace lc::onednn;

namespace {

void checkCover(const Extent& map, const Extent& size) {
  const Tiling tiling(map, size);
  std::vector<int> visits(std::size_t{map.height} * map.width);
  bool isInside = true;
  for (std::uint32_t index = 0; index < tiling.count(); ++index) {
    const Tiling::Tile tile = tiling[index];
    isInside = isInside && tile.height > 0 && tile.width > 0 && tile.height <= size.height &&
               tile.width <= size.width && tile.top + tile.height <= map.height &&
               tile.left + tile.width <= map.width;
    if (!isInside) break;
    for (std::uint32_t y = 0; y < tile.height; ++y) {
      for (std::uint32_t x = 0; x < tile.width; ++x) ++visits[(tile.top + y) * map.width + tile.left + x];
    }
  }
  check(isInside, "tiles of %u x %u lie on a map of %u x %u", size.height, size.width, map.height, map.width);
  bool isOnce = true;
  for (const int count : visits) isOnce = isOnce && count == 1;
  check(isOnce, "tiles of %u x %u take each pixel of %u x %u once", size.height, size.width, map.height,
        map.width);
}

void checkEven(const Extent& map, const Extent& largest) {
  const Extent even = evenTile(map, largest);
  check(even.height >= 1 && even.height <= largest.height && even.width >= 1 && even.width <= largest.width,
        "an even tile of %u x %u is no larger than %u x %u", map.height, map.width, largest.height,
        largest.width);
  check(Tiling(map, even).count() == Tiling(map, largest).count(), "an even tile of %u x %u adds no tiles",
        map.height, map.width);
  checkCover(map, even);
}

}  // namespace

int main() {
  checkCover({1, 1}, {1, 1});
  checkCover({8, 8}, {8, 8});
  checkCover({5, 7}, {64, 64});
  checkEven({72, 200}, {16, 64});
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto side = [&](std::uint32_t most) { return 1 + static_cast<std::uint32_t>(random() % most); };
    const Extent map{side(70), side(150)};
    const Extent tile{side(40), side(70)};
    checkCover(map, tile);
    checkEven(map, tile);
  }
  // 65 by at most 64: halves, not a full tile and a rest of 1.
  check(evenTile({1, 65}, {1, 64}).width == 33, "an even tile cuts in equal parts");
  return report();
}
