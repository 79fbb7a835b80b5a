// Shapes of the network's input, (count, height, width, 3).
#pragma once

#include <NvInferRuntime.h>

#include <string>

#include "core/lc_backend.h"

namespace lc::trt {

inline constexpr const char* kInputName = "pixels";
inline constexpr const char* kOutputName = "moments";
inline constexpr std::int32_t kInputRank = 4;
inline constexpr std::int64_t kChannels = 3;

inline bool operator==(const lc_shape& a, const lc_shape& b) {
  return a.count == b.count && a.height == b.height && a.width == b.width;
}

inline nvinfer1::Dims dimsOf(const lc_shape& shape) {
  return {kInputRank, {shape.count, shape.height, shape.width, kChannels}};
}

inline lc_shape shapeOf(const nvinfer1::Dims& dims) {
  return {static_cast<std::uint32_t>(dims.d[0]), static_cast<std::uint32_t>(dims.d[1]),
          static_cast<std::uint32_t>(dims.d[2])};
}

inline bool isWithin(const lc_shape& shape, const lc_shape& minimum, const lc_shape& maximum) {
  const auto between = [](std::uint32_t value, std::uint32_t low, std::uint32_t high) {
    return low <= value && value <= high;
  };
  return between(shape.count, minimum.count, maximum.count) &&
         between(shape.height, minimum.height, maximum.height) &&
         between(shape.width, minimum.width, maximum.width);
}

// "1 to 4 images, 512 to 1024 high and 512 wide"
inline std::string rangeText(const lc_shape& minimum, const lc_shape& maximum) {
  const auto range = [](std::uint32_t low, std::uint32_t high) {
    return low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
  };
  return range(minimum.count, maximum.count) + (maximum.count == 1 ? " image, " : " images, ") +
         range(minimum.height, maximum.height) + " high and " + range(minimum.width, maximum.width) + " wide";
}

}  // namespace lc::trt
