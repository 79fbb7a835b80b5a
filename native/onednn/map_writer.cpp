#include "onednn/map_writer.h"

#include <algorithm>

namespace lc::onednn {

MapWriter::MapWriter(PlanBuilder& builder, std::uint32_t operation, std::uint32_t map, const Tiling& tiling,
                     bool adds)
    : kernels_(builder.kernels),
      map_(builder.maps[map]),
      channels_(builder.channelsOf(map)),
      tiling_(tiling),
      adds_(adds),
      groups_(builder.network.operations()[operation].groups) {
  if (groups_ == 0) return;
  const std::uint64_t bytes =
      std::uint64_t{builder.shape.count} * tiling.count() * groups_ * sizeof(GroupMoments);
  statistics_ = builder.arena.add(bytes, {operation, builder.lastReader[operation]});
  builder.statistics[operation].emplace(StatisticsPlace{statistics_, tiling});
}

void MapWriter::write(const Stage& stage, std::uint32_t image, std::uint32_t index, const float* product,
                      void* scratch) const {
  const Tiling::Tile tile = tiling_[index];
  const Extent& map = tiling_.map();
  const std::size_t firstPixel = (std::size_t{image} * map.height + tile.top) * map.width + tile.left;
  float* target = stage.at<float>(map_) + firstPixel * channels_;
  const bool counts = groups_ != 0;
  ChannelSums sums{nullptr, nullptr, nullptr};
  if (counts) {
    sums = ChannelSums::in(scratch, channels_);
    std::fill_n(sums.sum, channels_, 0.0);
    std::fill_n(sums.square, channels_, 0.0);
    for (std::uint32_t channel = 0; channel < channels_; ++channel) {
      sums.origin[channel] = product[channel] + (adds_ ? target[channel] : 0.0F);
    }
  }
  for (std::uint32_t y = 0; y < tile.height; ++y) {
    kernels_.accumulate(product, tile.width, channels_, adds_, target, sums.origin, sums.sum, sums.square);
    product += std::size_t{tiling_.tile().width} * channels_;
    target += std::size_t{map.width} * channels_;
  }
  if (!counts) return;
  GroupMoments* moments =
      stage.at<GroupMoments>(statistics_) + (std::size_t{image} * tiling_.count() + index) * groups_;
  reduceTile(sums, channels_, groups_, std::uint64_t{tile.height} * tile.width, moments);
}

}  // namespace lc::onednn
