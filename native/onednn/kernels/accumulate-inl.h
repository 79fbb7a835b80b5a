// A product joins the activations, and its statistics for the next norm are taken on the way.
#pragma once

#include <cstddef>
#include <cstring>

namespace lc::onednn {
namespace {

// Of a row of pixels: many enough to forget what double sums cost, few enough for float32.
constexpr std::size_t kPixelsOfPartialSum = 64;
// Channels whose partial sums are held at once.
constexpr std::size_t kChannelsOfPartialSum = 512;

inline void addRow(const float* __restrict product, std::size_t count, float* __restrict target) {
  for (std::size_t i = 0; i < count; ++i) target[i] += product[i];
}

template <bool kAdd>
inline void accumulateRow(const float* __restrict product, std::size_t count, float* __restrict target,
                          const float* __restrict origin, float* __restrict sums, float* __restrict squares) {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = kAdd ? target[i] + product[i] : product[i];
    const float offset = value - origin[i];
    target[i] = value;
    sums[i] += offset;
    squares[i] += offset * offset;
  }
}

// `pixels` and `count` are at most the two constants.
template <bool kAdd>
inline void accumulateBlock(const float* product, std::size_t pixels, std::size_t stride, std::size_t count,
                            float* target, const float* origin, double* __restrict sum,
                            double* __restrict square) {
  float sums[kChannelsOfPartialSum];
  float squares[kChannelsOfPartialSum];
  std::memset(sums, 0, count * sizeof(float));
  std::memset(squares, 0, count * sizeof(float));
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    accumulateRow<kAdd>(product + pixel * stride, count, target + pixel * stride, origin, sums, squares);
  }
  for (std::size_t i = 0; i < count; ++i) {
    sum[i] += static_cast<double>(sums[i]);
    square[i] += static_cast<double>(squares[i]);
  }
}

void accumulate(const float* product, std::size_t pixels, std::size_t channels, bool add, float* target,
                const float* origin, double* sum, double* square) {
  if (sum == nullptr) {
    if (add) {
      addRow(product, pixels * channels, target);
    } else if (pixels * channels != 0) {
      std::memcpy(target, product, pixels * channels * sizeof(float));
    }
    return;
  }
  const auto block = add ? accumulateBlock<true> : accumulateBlock<false>;
  for (std::size_t pixel = 0; pixel < pixels; pixel += kPixelsOfPartialSum) {
    const std::size_t height = pixels - pixel < kPixelsOfPartialSum ? pixels - pixel : kPixelsOfPartialSum;
    for (std::size_t channel = 0; channel < channels; channel += kChannelsOfPartialSum) {
      const std::size_t width =
          channels - channel < kChannelsOfPartialSum ? channels - channel : kChannelsOfPartialSum;
      const std::size_t start = pixel * channels + channel;
      block(product + start, height, channels, width, target + start, origin + channel, sum + channel,
            square + channel);
    }
  }
}

}  // namespace
}  // namespace lc::onednn
