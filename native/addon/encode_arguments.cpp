#include "encode_arguments.h"

#include <limits>
#include <string>

#include "device_values.h"
#include "errors.h"

namespace lc::addon {
namespace {

constexpr std::size_t kRgb = 3;

}  // namespace

std::uint64_t ticketArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return sizeArgument(info, index, "ticket");
}

std::uint32_t engineArgument(const Napi::CallbackInfo& info, std::size_t index) {
  return static_cast<std::uint32_t>(
      integerArgument(info, index, "engine", 0, std::numeric_limits<std::int32_t>::max()));
}

core::EncodeRequest encodeArguments(const Napi::CallbackInfo& info, std::vector<Napi::Value>& kept) {
  const Napi::Env env = info.Env();
  core::EncodeRequest request{};
  request.ticket = ticketArgument(info, 0);
  request.engine = engineArgument(info, 1);
  const Napi::Array images = arrayArgument(info, 2, "images");
  const std::int32_t height = integerArgument(info, 3, "height", 1, kMaxImageSide);
  const std::int32_t width = integerArgument(info, 4, "width", 1, kMaxImageSide);
  Napi::Float32Array output = floatsArgument(info, 5, "output");
  request.height = static_cast<std::uint32_t>(height);
  request.width = static_cast<std::uint32_t>(width);

  const std::uint32_t count = images.Length();
  if (count == 0 || count > kMaxImages) {
    reject(env, "images", "1 to " + std::to_string(kMaxImages) + " arrays", std::to_string(count));
  }
  const std::size_t bytes = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * kRgb;
  for (std::uint32_t index = 0; index < count; ++index) {
    Napi::Uint8Array image = bytesOf(images.Get(index), "each of images");
    if (image.ByteLength() != bytes) {
      reject(env, "each of images", std::to_string(bytes) + " bytes (height * width * 3)",
             std::to_string(image.ByteLength()));
    }
    request.images.emplace_back(image.Data(), bytes);
    kept.push_back(image);
  }
  if (output.ElementLength() == 0 || output.ElementLength() % count != 0) {
    reject(env, "output", "a multiple of " + std::to_string(count) + " floats (one row for each image)",
           std::to_string(output.ElementLength()));
  }
  request.output = {output.Data(), output.ElementLength()};
  kept.push_back(output);
  return request;
}

}  // namespace lc::addon
