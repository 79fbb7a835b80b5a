#include "pixel_ops.h"

#include <pixels.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "task.h"

namespace lc::addon {
namespace {

constexpr std::int32_t kMaxSide = 1 << 20;
constexpr std::size_t kRgb = 3;

constexpr std::array<std::pair<const char*, pixels::Interpolation>, 7> kInterpolations = {{
    {"area", pixels::Interpolation::kArea},
    {"lanczos", pixels::Interpolation::kLanczos},
    {"box", pixels::Interpolation::kBox},
    {"bilinear", pixels::Interpolation::kBilinear},
    {"bicubic", pixels::Interpolation::kBicubic},
    {"nearest", pixels::Interpolation::kNearest},
    {"pillow-bicubic", pixels::Interpolation::kPillowBicubic},
}};

pixels::Interpolation interpolationOption(const Napi::Object& options) {
  const std::string name = stringOption(options, "interpolation");
  for (const auto& [known, value] : kInterpolations) {
    if (name == known) return value;
  }
  throw makeError(options.Env(), "ERR_ARGUMENT",
                  "Expected area, lanczos, box, bilinear, bicubic, nearest or pillow-bicubic for "
                  "interpolation but got '" +
                      name + "'");
}

// All that one transform needs, flattened on the JS thread; the worker thread never touches JS.
struct Baton {
  pixels::Image source;
  pixels::Size resized;
  pixels::Interpolation interpolation;
  pixels::Window window;
  std::uint8_t* rgb;
  std::uint8_t* flipped;  // null: not asked for
  std::uint8_t* alpha;    // null: there is none, or it is dropped after the resize

  void run() const {
    const auto count = static_cast<std::size_t>(window.width) * static_cast<std::size_t>(window.height);
    if (source.channels == 3) {
      pixels::resizeAndCrop(source, resized, interpolation, window, rgb);
    } else {
      const std::unique_ptr<std::uint8_t[]> rgba(new std::uint8_t[count * 4]);
      pixels::resizeAndCrop(source, resized, interpolation, window, rgba.get());
      if (alpha == nullptr) {
        pixels::dropAlpha(rgba.get(), count, rgb);
      } else {
        pixels::splitAlpha(rgba.get(), count, rgb, alpha);
      }
    }
    if (flipped != nullptr) pixels::mirror(rgb, {window.width, window.height}, flipped);
  }
};

void checkBytes(const Napi::Uint8Array& array, const char* name, std::size_t expected, const char* shape) {
  if (array.ByteLength() == expected) return;
  throw makeError(array.Env(), "ERR_ARGUMENT",
                  "Expected " + std::to_string(expected) + " bytes (" + shape + ") for " + name +
                      " but got " + std::to_string(array.ByteLength()));
}

// One plane of the target: its memory, or null where JS has null. Kept by itself, so that JS may change the
// target object while the transform waits for a thread.
std::uint8_t* planeOf(const Napi::Object& target, const char* name, std::size_t bytes, const char* shape,
                      std::vector<Napi::Value>& kept) {
  const Napi::Value value = target.Get(name);
  if (value.IsNull()) return nullptr;
  Napi::Uint8Array plane = bytesOf(value, name);
  checkBytes(plane, name, bytes, shape);
  kept.push_back(plane);
  return plane.Data();
}

Napi::Value transform(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array source = bytesArgument(info, 0, "source");
  const Napi::Object options = objectArgument(info, 1, "options");
  const Napi::Object target = objectArgument(info, 2, "target");

  Baton baton{};
  baton.source.data = source.Data();
  baton.source.size = {integerOption(options, "width", 1, kMaxSide),
                       integerOption(options, "height", 1, kMaxSide)};
  baton.source.channels = integerOption(options, "channels", 3, 4);
  baton.resized = {integerOption(options, "resizedWidth", 1, kMaxSide),
                   integerOption(options, "resizedHeight", 1, kMaxSide)};
  baton.interpolation = interpolationOption(options);
  baton.window.left = integerOption(options, "cropLeft", 0, baton.resized.width - 1);
  baton.window.top = integerOption(options, "cropTop", 0, baton.resized.height - 1);
  baton.window.width = integerOption(options, "cropWidth", 1, baton.resized.width - baton.window.left);
  baton.window.height = integerOption(options, "cropHeight", 1, baton.resized.height - baton.window.top);

  const auto area = [](int width, int height) {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  };
  const auto channels = static_cast<std::size_t>(baton.source.channels);
  checkBytes(source, "source", area(baton.source.size.width, baton.source.size.height) * channels,
             "height * width * channels");
  const std::size_t count = area(baton.window.width, baton.window.height);
  std::vector<Napi::Value> kept{source};
  baton.rgb = planeOf(target, "rgb", count * kRgb, "cropHeight * cropWidth * 3", kept);
  baton.flipped = planeOf(target, "flipped", count * kRgb, "cropHeight * cropWidth * 3", kept);
  baton.alpha = planeOf(target, "alpha", count, "cropHeight * cropWidth", kept);
  if (baton.rgb == nullptr || (baton.alpha != nullptr && channels == 3)) {
    throw makeError(info.Env(), "ERR_ARGUMENT", "Expected rgb, and alpha only with four channels, in target");
  }

  return Task::queue(
      info.Env(), "latent-cache.transform", kept, [baton] { baton.run(); },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

Napi::Value convertToRgb(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array source = bytesArgument(info, 0, "source");
  const std::string layout = stringArgument(info, 1, "layout");
  Napi::Uint8Array target = bytesArgument(info, 2, "target");
  const bool cmyk = layout == "cmyk";
  if (!cmyk && layout != "grey16") {
    throw makeError(info.Env(), "ERR_ARGUMENT",
                    "Expected cmyk or grey16 for layout but got '" + layout + "'");
  }
  const std::size_t bytesPerPixel = cmyk ? 4 : 2;
  const std::size_t count = target.ByteLength() / kRgb;
  checkBytes(target, "target", count * kRgb, "pixels * 3");
  checkBytes(source, "source", count * bytesPerPixel, cmyk ? "pixels * 4" : "pixels * 2");
  if (!cmyk && source.ByteOffset() % alignof(std::uint16_t) != 0) {
    throw makeError(info.Env(), "ERR_ARGUMENT", "Expected an even offset for source of 16-bit grey");
  }
  const std::uint8_t* from = source.Data();
  std::uint8_t* to = target.Data();
  return Task::queue(
      info.Env(), "latent-cache.convertToRgb", {source, target},
      [=] {
        if (cmyk) {
          pixels::cmykToRgb(from, count, to);
        } else {
          pixels::grey16ToRgb(reinterpret_cast<const std::uint16_t*>(from), count, to);
        }
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

Napi::Value orient(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array source = bytesArgument(info, 0, "source");
  const Napi::Object options = objectArgument(info, 1, "options");
  Napi::Uint8Array target = bytesArgument(info, 2, "target");
  const pixels::Image image{
      source.Data(),
      {integerOption(options, "width", 1, kMaxSide), integerOption(options, "height", 1, kMaxSide)},
      integerOption(options, "channels", 3, 4)};
  const int orientation = integerOption(options, "orientation", 1, 8);
  const std::size_t bytes = static_cast<std::size_t>(image.size.width) *
                            static_cast<std::size_t>(image.size.height) *
                            static_cast<std::size_t>(image.channels);
  checkBytes(source, "source", bytes, "height * width * channels");
  checkBytes(target, "target", bytes, "height * width * channels");
  std::uint8_t* const to = target.Data();
  return Task::queue(
      info.Env(), "latent-cache.orient", {source, target}, [=] { pixels::orient(image, orientation, to); },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// Colours over an opaque background, or as they are where background is null.
Napi::Value flatten(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array source = bytesArgument(info, 0, "source");
  const bool drops = info[1].IsNull();
  Napi::Uint8Array target = bytesArgument(info, 2, "target");
  const std::size_t count = target.ByteLength() / kRgb;
  checkBytes(target, "target", count * kRgb, "pixels * 3");
  checkBytes(source, "source", count * 4, "pixels * 4");
  pixels::Colour background{};
  if (!drops) {
    const Napi::Uint8Array colour = bytesArgument(info, 1, "background");
    checkBytes(colour, "background", kRgb, "red, green, blue");
    background = {colour[0], colour[1], colour[2]};
  }
  const std::uint8_t* const from = source.Data();
  std::uint8_t* const to = target.Data();
  return Task::queue(
      info.Env(), "latent-cache.flatten", {source, target},
      [=] {
        if (drops) {
          pixels::dropAlpha(from, count, to);
        } else {
          pixels::flatten(from, count, background, to);
        }
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

Napi::Value instructionSet(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), pixels::instructionSet());
}

}  // namespace

void registerPixelOps(Napi::Env env, Napi::Object exports) {
  exports.Set("transform", Napi::Function::New(env, transform, "transform"));
  exports.Set("convertToRgb", Napi::Function::New(env, convertToRgb, "convertToRgb"));
  exports.Set("orient", Napi::Function::New(env, orient, "orient"));
  exports.Set("flatten", Napi::Function::New(env, flatten, "flatten"));
  exports.Set("instructionSet", Napi::Function::New(env, instructionSet, "instructionSet"));
}

}  // namespace lc::addon
