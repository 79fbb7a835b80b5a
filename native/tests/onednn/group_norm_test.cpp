// The statistics of tiles and the norm that follows from them, against two passes in double.
#include "onednn/group_norm.h"

#include <cmath>
#include <random>
#include <vector>

#include "check.h"

using namespace lc::test;
using namespace lc::onednn;

namespace {

// Of all values: (channels, height, width).
struct Map {
  Extent extent;
  std::uint32_t channels;
  std::vector<float> values;

  Map(const Extent& size, std::uint32_t count, double mean, double deviation)
      : extent(size), channels(count), values(std::size_t{size.height} * size.width * count) {
    std::mt19937 generator(1);
    std::normal_distribution<double> normal(mean, deviation);
    for (float& value : values) value = static_cast<float>(normal(generator));
  }
  float at(std::uint32_t channel, std::uint32_t y, std::uint32_t x) const {
    return values[(std::size_t{channel} * extent.height + y) * extent.width + x];
  }
};

struct Expected {
  std::vector<double> scale;
  std::vector<double> shift;
};

Expected expectedOf(const Map& map, const NormParameters& norm) {
  Expected expected;
  const std::size_t size = map.values.size() / norm.groups;
  const std::size_t plane = map.values.size() / map.channels;
  for (std::uint32_t channel = 0; channel < map.channels; ++channel) {
    const float* values = map.values.data() + channel * plane / size * size;
    double mean = 0;
    for (std::size_t i = 0; i < size; ++i) mean += double{values[i]} / static_cast<double>(size);
    double variance = 0;
    for (std::size_t i = 0; i < size; ++i) {
      variance += (values[i] - mean) * (values[i] - mean) / static_cast<double>(size);
    }
    expected.scale.push_back(norm.weight[channel] / std::sqrt(variance + norm.epsilon));
    expected.shift.push_back(norm.bias[channel] - mean * expected.scale.back());
  }
  return expected;
}

std::vector<GroupMoments> momentsOf(const Map& map, const Tiling& tiling, std::uint32_t groups) {
  std::vector<GroupMoments> moments(std::size_t{tiling.count()} * groups);
  std::vector<double> memory(ChannelSums::bytes(map.channels) / sizeof(double) + 1);
  const ChannelSums sums = ChannelSums::in(memory.data(), map.channels);
  for (std::uint32_t index = 0; index < tiling.count(); ++index) {
    const Tiling::Tile tile = tiling[index];
    for (std::uint32_t channel = 0; channel < map.channels; ++channel) {
      sums.origin[channel] = map.at(channel, tile.top, tile.left);
      sums.sum[channel] = 0;
      sums.square[channel] = 0;
      for (std::uint32_t y = 0; y < tile.height; ++y) {
        for (std::uint32_t x = 0; x < tile.width; ++x) {
          const double distance =
              double{map.at(channel, tile.top + y, tile.left + x)} - double{sums.origin[channel]};
          sums.sum[channel] += distance;
          sums.square[channel] += distance * distance;
        }
      }
    }
    reduceTile(sums, map.channels, groups, std::uint64_t{tile.height} * tile.width,
               moments.data() + std::size_t{index} * groups);
  }
  return moments;
}

void checkNorm(const char* what, const Map& map, const Extent& tile, std::uint32_t groups,
               double epsilon = 1e-6) {
  std::mt19937 generator(2);
  std::normal_distribution<float> normal(0.5F, 1.0F);
  std::vector<float> weight(map.channels);
  std::vector<float> bias(map.channels);
  for (float& value : weight) value = normal(generator);
  for (float& value : bias) value = normal(generator);
  const NormParameters norm{weight.data(), bias.data(), map.channels, groups, epsilon};
  const Tiling tiling(map.extent, tile);
  std::vector<float> scale(map.channels);
  std::vector<float> shift(map.channels);
  finishNorm(momentsOf(map, tiling, groups).data(), tiling, norm, scale.data(), shift.data());

  const Expected expected = expectedOf(map, norm);
  for (std::uint32_t channel = 0; channel < map.channels; ++channel) {
    // Half a unit of float32, and some of double.
    constexpr double kRounding = 0x1.001p-24;
    const double scaleError = std::fabs(double{scale[channel]} - expected.scale[channel]);
    const double shiftError = std::fabs(double{shift[channel]} - expected.shift[channel]);
    check(scaleError <= kRounding * std::fabs(expected.scale[channel]),
          "%s: the scale of channel %u is off by %g", what, channel, scaleError);
    // The shift is a difference: its terms may be larger.
    const double largest = std::fabs(expected.shift[channel]) + std::fabs(norm.bias[channel]) * 1e-6;
    check(shiftError <= kRounding * largest + 1e-12, "%s: the shift of channel %u is off by %g", what,
          channel, shiftError);
  }
}

}  // namespace

int main() {
  checkNorm("one tile", {{8, 8}, 12, 0.0, 1.0}, {8, 8}, 4);
  checkNorm("tiles that end beyond the map", {{10, 13}, 12, 0.3, 2.0}, {4, 5}, 4);
  checkNorm("tiles of one pixel", {{3, 5}, 6, -1.0, 1.0}, {1, 1}, 3);
  checkNorm("one channel in each group", {{6, 7}, 8, 1.0, 1.0}, {4, 4}, 8);
  checkNorm("one group", {{6, 7}, 8, 1.0, 1.0}, {4, 4}, 1);
  checkNorm("two values", {{1, 2}, 4, 1.0, 1.0}, {1, 2}, 4);
  checkNorm("a mean of 30 deviations", {{40, 50}, 8, 30.0, 1.0}, {16, 32}, 4);
  checkNorm("a mean of 10,000 deviations", {{40, 50}, 8, 1e4, 1.0}, {16, 32}, 4);
  checkNorm("small values, where epsilon counts", {{10, 13}, 8, 0.0, 1e-3}, {4, 5}, 4);
  checkNorm("equal values", {{10, 13}, 8, 3.0, 0.0}, {4, 5}, 4);
  checkNorm("another epsilon", {{10, 13}, 8, 0.0, 1.0}, {4, 5}, 4, 0.5);
  return report();
}
