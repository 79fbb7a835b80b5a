// What a build writes and a runtime reads.
#pragma once

#include <NvInfer.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace fake {

constexpr std::int32_t kInputRank = 4;

// -1 stands for a free side, in `output` for one that follows the input.
struct Plan {
  std::uint64_t checksum = 0;
  std::int32_t version = 0;
  std::int32_t outputRank = 0;
  std::int64_t input[kInputRank] = {};
  std::int64_t output[kInputRank] = {};
  std::int64_t minimum[kInputRank] = {};
  std::int64_t maximum[kInputRank] = {};
  std::uint64_t weightBytes = 0;
  std::uint64_t weightsHash = 0;
  std::int64_t resizesActivations = 0;

  bool isDynamic() const {
    return std::any_of(input, input + kInputRank, [](std::int64_t side) { return side < 0; });
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(this), sizeof *this}; }
  // Of all that follows it.
  std::uint64_t expectedChecksum() const;
};

// FNV-1a
inline std::uint64_t hashOf(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ull;
  return hash;
}

inline std::uint64_t Plan::expectedChecksum() const {
  return hashOf(bytes().substr(sizeof checksum));
}

inline nvinfer1::Dims toDims(const std::int64_t* sides, std::int32_t rank) {
  nvinfer1::Dims dims{};
  dims.nbDims = rank;
  std::copy(sides, sides + rank, dims.d);
  return dims;
}

inline void copyDims(const nvinfer1::Dims& dims, std::int64_t* sides) {
  std::copy(dims.d, dims.d + dims.nbDims, sides);
}

}  // namespace fake
