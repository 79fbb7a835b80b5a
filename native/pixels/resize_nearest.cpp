// OpenCV INTER_NEAREST_EXACT: pixel centres in 16-bit fixed point.
#include <algorithm>
#include <cstring>
#include <vector>

#include "resize_job.h"

namespace lc::pixels {
namespace {

// OpenCV up to 4.6 starts half a step in, less one unit. From 4.7 on it takes that unit off odd sides only,
// which moves exact ties of even sides by a pixel. It computes in 32 bits, which overflow from sides of 32768
// pixels on; here not.
class NearestAxis {
 public:
  NearestAxis(int source, int resized)
      : source_(source),
        step_(((std::int64_t{source} << 16) + resized / 2) / resized),
        start_(step_ / 2 - 1) {}

  int operator()(int output) const {
    return static_cast<int>(std::clamp<std::int64_t>((step_ * output + start_) >> 16, 0, source_ - 1));
  }

 private:
  int source_;
  std::int64_t step_;
  std::int64_t start_;
};

template <std::size_t channels>
void gatherRow(const std::uint8_t* source, const std::vector<std::size_t>& pixels, std::uint8_t* target) {
  for (const std::size_t pixel : pixels) {
    std::memcpy(target, source + pixel * channels, channels);
    target += channels;
  }
}

}  // namespace

void resizeByNearest(const ResizeJob& job) {
  const Window& window = job.window;
  const NearestAxis columnOf(job.source.size.width, job.resized.width);
  const NearestAxis rowOf(job.source.size.height, job.resized.height);
  std::vector<std::size_t> pixels;
  pixels.reserve(static_cast<std::size_t>(window.width));
  for (int x = 0; x < window.width; ++x)
    pixels.push_back(static_cast<std::size_t>(columnOf(window.left + x)));

  const auto gather = job.source.channels == 3 ? gatherRow<3> : gatherRow<4>;
  for (int y = 0; y < window.height; ++y) {
    const int row = rowOf(window.top + y);
    if (y > 0 && row == rowOf(window.top + y - 1)) {
      std::memcpy(job.targetRow(y), job.targetRow(y - 1), job.rowBytes(window.width));
    } else {
      gather(job.sourceRow(row), pixels, job.targetRow(y));
    }
  }
}

}  // namespace lc::pixels
