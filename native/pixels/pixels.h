// Pixel work of the trainers, bit for bit: resize, crop, mirror. No Node, no CUDA, no allocation
// that outlives a call. Every function is reentrant.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lc::pixels {

// area, bilinear, bicubic and nearest equal OpenCV's INTER_AREA, INTER_LINEAR, INTER_CUBIC and
// INTER_NEAREST_EXACT; lanczos, box and Pillow's bicubic equal Pillow's Image.resize (four channels: with the
// alpha premultiplication that Pillow does).
enum class Interpolation { kArea, kLanczos, kBox, kBilinear, kBicubic, kNearest, kPillowBicubic };

struct Size {
  int width;
  int height;
};

// A window in pixels of the resized image.
struct Window {
  int left;
  int top;
  int width;
  int height;
};

// Interleaved uint8 pixels, rows without padding; channels is 3 or 4.
struct Image {
  const std::uint8_t* data;
  Size size;
  int channels;
};

// Resizes the whole of `source` to `resized` and writes `window` of it to `target`
// (window.height * window.width * source.channels bytes). Only what the window needs is computed; the bytes
// are those of resizing everything and cropping afterwards. Equal sizes mean a plain copy. May throw
// std::bad_alloc.
void resizeAndCrop(const Image& source, Size resized, Interpolation interpolation, Window window,
                   std::uint8_t* target);

// Colours as Pillow's convert("RGB") makes them, which knows no profiles; `count` pixels.
// CMYK, 255 = full ink: (255 - K) - C * (255 - K) / 255, the quotient rounded.
void cmykToRgb(const std::uint8_t* cmyk, std::size_t count, std::uint8_t* rgb);
// 16-bit grey: clipped at 255, not scaled.
void grey16ToRgb(const std::uint16_t* grey, std::size_t count, std::uint8_t* rgb);

// Splits RGBA into RGB and alpha, `count` pixels.
void splitAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb, std::uint8_t* alpha);

// Drops the alpha of RGBA, `count` pixels.
void dropAlpha(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb);

struct Colour {
  std::uint8_t red;
  std::uint8_t green;
  std::uint8_t blue;
};

// RGBA over an opaque background, as Pillow's Image.alpha_composite rounds; `count` pixels.
void flatten(const std::uint8_t* rgba, std::size_t count, Colour background, std::uint8_t* rgb);

// Mirrors an RGB image left to right.
void mirror(const std::uint8_t* rgb, Size size, std::uint8_t* target);

// Turns an image that is stored with EXIF orientation 1 to 8 upright; from 5 on width and height change
// places.
void orient(const Image& source, int orientation, std::uint8_t* target);

// The instruction set picked at run time: "scalar", "avx2" or "avx512". The environment variable
// LATENT_CACHE_ISA, set to one of these before the first call, caps the choice; the bytes stay the same.
const char* instructionSet();

}  // namespace lc::pixels
