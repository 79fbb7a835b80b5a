// As much of an ONNX model as the fake looks at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lc::test {

inline std::string lengthDelimited(char tag, const std::string& bytes) {
  return std::string(1, tag) + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

// An ONNX ValueInfoProto; -1 is a free side.
inline std::string valueInfo(const std::string& name, char type, const std::vector<int>& sides) {
  std::string shape;
  for (const int side : sides) {
    const std::string dimension =
        side < 0 ? lengthDelimited('\x12', "free")
                 : std::string(1, '\x08').append(varint(static_cast<std::uint64_t>(side)));
    shape += lengthDelimited('\x0a', dimension);
  }
  const std::string tensor = std::string{'\x08', type} + lengthDelimited('\x12', shape);
  return lengthDelimited('\x0a', name) + lengthDelimited('\x12', lengthDelimited('\x0a', tensor));
}

// pixels and moments with free or fixed sides, and the names of two tensors.
inline std::string graphFor(int height, int width) {
  const auto latent = [](int side) { return side < 0 ? -1 : side / 8; };
  return "encoder.conv_in.weight encoder.conv_in.bias" + valueInfo("pixels", 2, {-1, height, width, 3}) +
         valueInfo("moments", 1, {-1, 8, latent(height), latent(width)});
}

}  // namespace lc::test
