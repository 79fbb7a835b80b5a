#include "onednn/group_norm.h"

#include <cmath>

namespace lc::onednn {
namespace {

// Moments that grow by whole sets of values.
class Merged {
 public:
  void add(double count, double mean, double squares) {
    const double total = count_ + count;
    const double distance = mean - mean_;
    mean_ += distance * (count / total);
    squares_ += squares + distance * distance * (count_ * count / total);
    count_ = total;
  }
  double mean() const { return mean_; }
  double squares() const { return squares_; }
  double variance() const { return squares_ / count_; }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

}  // namespace

ChannelSums ChannelSums::in(void* memory, std::uint32_t channels) {
  auto* doubles = static_cast<double*>(memory);
  return {reinterpret_cast<float*>(doubles + 2 * std::size_t{channels}), doubles, doubles + channels};
}

void reduceTile(const ChannelSums& sums, std::uint32_t channels, std::uint32_t groups, std::uint64_t pixels,
                GroupMoments* moments) {
  const std::uint32_t size = channels / groups;
  const auto count = static_cast<double>(pixels);
  for (std::uint32_t group = 0; group < groups; ++group) {
    Merged merged;
    for (std::uint32_t channel = group * size; channel < (group + 1) * size; ++channel) {
      const double offset = sums.sum[channel] / count;
      merged.add(count, double{sums.origin[channel]} + offset,
                 sums.square[channel] - offset * sums.sum[channel]);
    }
    moments[group] = {merged.mean(), merged.squares()};
  }
}

void finishNorm(const GroupMoments* tiles, const Tiling& tiling, const NormParameters& norm, float* scale,
                float* shift) {
  const std::uint32_t size = norm.channels / norm.groups;
  for (std::uint32_t group = 0; group < norm.groups; ++group) {
    Merged merged;
    for (std::uint32_t index = 0; index < tiling.count(); ++index) {
      const Tiling::Tile tile = tiling[index];
      const GroupMoments& moments = tiles[std::size_t{index} * norm.groups + group];
      merged.add(double{static_cast<double>(tile.height)} * tile.width * size, moments.mean, moments.squares);
    }
    const double factor = 1 / std::sqrt(merged.variance() + norm.epsilon);
    for (std::uint32_t channel = group * size; channel < (group + 1) * size; ++channel) {
      const double scaled = norm.weight[channel] * factor;
      scale[channel] = static_cast<float>(scaled);
      shift[channel] = static_cast<float>(norm.bias[channel] - merged.mean() * scaled);
    }
  }
}

}  // namespace lc::onednn
