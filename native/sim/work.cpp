#include "sim/work.h"

#include <array>
#include <map>

namespace lc::sim {
namespace {

constexpr std::array kWidths = {128, 256, 512, 512};
constexpr int kBlocks = 2;
// At full size at once: what a residual block adds to, its branch, and the branch's next map.
constexpr std::uint64_t kMaps = 3;

// Adds up layers. Areas are in pixels.
class Counter {
 public:
  void conv(int inputs, int outputs, int kernel, double inputArea, double outputArea) {
    work_.operations += 2.0 * inputs * outputs * kernel * kernel * outputArea;
    work_.elements += inputs * inputArea + outputs * outputArea;
  }
  void norm(int channels, double area) { work_.elements += 3.0 * channels * area; }

  void residual(int inputs, int outputs, double area) {
    norm(inputs, area);
    conv(inputs, outputs, 3, area, area);
    norm(outputs, area);
    conv(outputs, outputs, 3, area, area);
    if (inputs != outputs) conv(inputs, outputs, 1, area, area);
  }

  // Query, key, value and output are pointwise convs; scores and their product with the values are not.
  void attention(int channels, double area) {
    norm(channels, area);
    for (int i = 0; i < 4; ++i) conv(channels, channels, 1, area, area);
    work_.operations += 2 * 2.0 * area * area * channels;
  }

  const Work& work() const { return work_; }

 private:
  Work work_{};
};

}  // namespace

const Precision* findPrecision(const std::string& name) {
  static const std::map<std::string, Precision> all = {
      {"fp16", {2, 1, true}}, {"bf16", {2, 1, false}}, {"tf32", {4, 0.5, false}}, {"fp32", {4, 0.5, false}}};
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

Work encoderWork(std::uint32_t height, std::uint32_t width, std::uint32_t moments) {
  Counter counter;
  double area = static_cast<double>(height) * width;
  int channels = kWidths.front();
  counter.conv(3, channels, 3, area, area);
  for (std::size_t level = 0; level < kWidths.size(); ++level) {
    for (int block = 0; block < kBlocks; ++block) {
      counter.residual(channels, kWidths[level], area);
      channels = kWidths[level];
    }
    if (level + 1 == kWidths.size()) break;
    counter.conv(channels, channels, 3, area, area / 4);
    area /= 4;
  }
  counter.residual(channels, channels, area);
  counter.attention(channels, area);
  counter.residual(channels, channels, area);
  counter.norm(channels, area);
  const int outputs = static_cast<int>(moments);
  counter.conv(channels, outputs, 3, area, area);
  counter.conv(outputs, outputs, 1, area, area);
  return counter.work();
}

std::uint64_t activationBytes(const lc_shape& shape, std::uint32_t stride, std::uint32_t chunks,
                              std::uint32_t elementBytes) {
  const std::uint64_t pixels = std::uint64_t{shape.height} * shape.width;
  const std::uint64_t tokens = std::uint64_t{shape.height / stride} * (shape.width / stride);
  const std::uint64_t queries = (tokens + chunks - 1) / chunks;
  return shape.count * (kMaps * kWidths.front() * pixels + queries * tokens) * elementBytes;
}

}  // namespace lc::sim
