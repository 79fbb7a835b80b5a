// A feature map cut in tiles: what one thread works on at a time, small enough for its cache.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lc::onednn {

struct Extent {
  std::uint32_t height;
  std::uint32_t width;
};

// Tiles of equal size; those at the right and at the bottom may reach beyond the map.
class Tiling {
 public:
  // tile: no larger than the map in the direction in which it is to end with it
  Tiling(const Extent& map, const Extent& tile)
      : map_(map),
        tile_(tile),
        across_((map.width + tile.width - 1) / tile.width),
        down_((map.height + tile.height - 1) / tile.height) {}

  struct Tile {
    std::uint32_t top;
    std::uint32_t left;
    // The part that lies on the map.
    std::uint32_t height;
    std::uint32_t width;
  };

  const Extent& map() const { return map_; }
  const Extent& tile() const { return tile_; }
  std::uint32_t count() const { return across_ * down_; }
  Tile operator[](std::uint32_t index) const {
    const std::uint32_t top = index / across_ * tile_.height;
    const std::uint32_t left = index % across_ * tile_.width;
    return {top, left, std::min(tile_.height, map_.height - top), std::min(tile_.width, map_.width - left)};
  }

 private:
  Extent map_;
  Extent tile_;
  std::uint32_t across_;
  std::uint32_t down_;
};

// The tile of at most `largest` that cuts a map in equal parts, as far as whole numbers allow.
inline Extent evenTile(const Extent& map, const Extent& largest) {
  const auto even = [](std::uint32_t side, std::uint32_t most) {
    const std::uint32_t parts = (side + most - 1) / most;
    return (side + parts - 1) / parts;
  };
  return {even(map.height, largest.height), even(map.width, largest.width)};
}

}  // namespace lc::onednn
