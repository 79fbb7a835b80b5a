#include "onednn/map_writer.h"

#include <algorithm>

namespace lc::onednn {

MapWriter::MapWriter(PlanBuilder& builder, std::uint32_t operation, std::uint32_t map, const Tiling& tiling,
                     bool rectifies)
    : kernels_(builder.kernels),
      map_(builder.maps[map]),
      channels_(builder.channelsOf(map)),
      tiling_(tiling),
      rectifies_(rectifies),
      groups_(builder.network.operations()[operation].groups) {
  if (groups_ == 0) return;
  const std::uint64_t bytes =
      std::uint64_t{builder.shape.count} * tiling.count() * groups_ * sizeof(GroupMoments);
  statistics_ = builder.arena.add(bytes, {operation, builder.lastReader[operation]});
  builder.statistics[operation].emplace(StatisticsPlace{statistics_, tiling});
}

void MapWriter::begin(const Stage& stage, std::uint32_t image, std::uint32_t index,
                      const TileResult& result) const {
  const Tiling::Tile tile = tiling_[index];
  float* target = targetOf(stage, image, tile);
  for (std::uint32_t y = 0; y < tile.height; ++y) {
    std::copy_n(result.row(y, tile.width), std::size_t{tile.width} * channels_, target);
    target += std::size_t{tiling_.map().width} * channels_;
  }
}

void MapWriter::write(const Stage& stage, std::uint32_t image, std::uint32_t index, const TileResult& result,
                      bool adds, void* scratch) const {
  const Tiling::Tile tile = tiling_[index];
  float* target = targetOf(stage, image, tile);
  ChannelSums sums{nullptr, nullptr, nullptr};
  if (groups_ != 0) {
    sums = ChannelSums::in(scratch, channels_);
    std::fill_n(sums.sum, channels_, 0.0);
    std::fill_n(sums.square, channels_, 0.0);
    const float* first = result.row(0, 1);
    for (std::uint32_t channel = 0; channel < channels_; ++channel) {
      sums.origin[channel] = first[channel] + (adds ? target[channel] : 0.0F);
    }
  }
  for (std::uint32_t y = 0; y < tile.height; ++y) {
    const float* row = result.row(y, tile.width);
    if (rectifies_) {
      kernels_.rectify(row, std::size_t{tile.width} * channels_, adds, target);
    } else {
      kernels_.accumulate(row, tile.width, channels_, adds, target, sums.origin, sums.sum, sums.square);
    }
    target += std::size_t{tiling_.map().width} * channels_;
  }
  if (groups_ == 0) return;
  GroupMoments* moments =
      stage.at<GroupMoments>(statistics_) + (std::size_t{image} * tiling_.count() + index) * groups_;
  reduceTile(sums, channels_, groups_, std::uint64_t{tile.height} * tile.width, moments);
}

float* MapWriter::targetOf(const Stage& stage, std::uint32_t image, const Tiling::Tile& tile) const {
  const Extent& map = tiling_.map();
  const std::size_t pixel = (std::size_t{image} * map.height + tile.top) * map.width + tile.left;
  return stage.at<float>(map_) + pixel * channels_;
}

}  // namespace lc::onednn
