// libFuzzer: sizes, windows and pixels of any kind through every kernel set; all give the same bytes. The
// sanitizers judge the rest: no source and no target has a spare byte.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "kernel_sets.h"
#include "pixels.h"
#include "resize_job.h"

namespace {

using namespace lc::pixels;

constexpr int kMostPixels = 1 << 13;
constexpr int kLongestSide = 1 << 12;

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // Within [low, high].
  int between(int low, int high) {
    std::uint32_t value = 0;
    const std::size_t taken = std::min<std::size_t>(2, bytes_.size());
    if (taken > 0) std::memcpy(&value, bytes_.data(), taken);
    bytes_ = bytes_.subspan(taken);
    return low + static_cast<int>(value % static_cast<std::uint32_t>(high - low + 1));
  }

  // At most as many pixels as are worth the time, also beside a side of `other` pixels.
  Size size(int other) {
    const int width = between(1, std::min(kLongestSide, std::max(1, kMostPixels / other)));
    return {width, between(1, std::max(1, kMostPixels / width))};
  }

  // What is left, again and again.
  std::vector<std::uint8_t> pixels(std::size_t count) const {
    std::vector<std::uint8_t> result(count);
    for (std::size_t at = 0; at < count && !bytes_.empty(); ++at) result[at] = bytes_[at % bytes_.size()];
    return result;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

std::size_t bytesOf(int width, int height, int channels) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
         static_cast<std::size_t>(channels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  Input input({data, length});
  const Size from = input.size(1);
  // Rows are resized first: there are from.height of to.width pixels on the way.
  const Size to = input.size(from.height);
  const int channels = input.between(3, 4);
  const auto interpolation = static_cast<Interpolation>(input.between(0, 6));
  const int width = input.between(1, to.width);
  const int height = input.between(1, to.height);
  const Window window{input.between(0, to.width - width), input.between(0, to.height - height), width,
                      height};
  const std::vector<std::uint8_t> pixels = input.pixels(bytesOf(from.width, from.height, channels));

  std::vector<std::uint8_t> first;
  for (const Kernels* const kernels : lc::test::kernelSets()) {
    std::vector<std::uint8_t> target(bytesOf(width, height, channels));
    resizeAndCrop(*kernels, {pixels.data(), from, channels}, to, interpolation, window, target.data());
    if (first.empty()) first = target;
    if (target != first) std::abort();
  }
  return 0;
}
