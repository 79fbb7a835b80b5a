// What oneDNN has no primitive for: norms, activations, type changes and the softmax, over rows of pixels
// whose channels lie together. One table for each instruction set; dispatch.cpp picks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lc::onednn {

// How a float32 operand of a convolution or a product is written down.
//   kFloat32   as it is
//   kBfloat16  rounded to nearest, ties to even
//   kSplit     x = high + middle + low: each bfloat16(what those before it leave of x), the last two 0 where
//              high is not finite. All high parts lie together, then all middle ones, then all low ones
enum class Operand { kFloat32, kBfloat16, kSplit };

// Parts that one value becomes (1, 1, 3), the bytes of one part (4, 2, 2) and of all (4, 2, 6).
std::size_t partsOf(Operand operand);
std::size_t partBytes(Operand operand);
std::size_t operandBytes(Operand operand);

// NaN and infinities go through each kernel as arithmetic says; a NaN never becomes an infinity in bfloat16.
// Pointers need the alignment of their values, no more; operands count as float or as uint16_t. Ranges do not
// overlap. `plane`: values from a high part to the middle one of the same value, and from there to the low
// one; read for kSplit alone.
struct Kernels {
  const char* name;  // "scalar", "avx2", "avx512"

  // pixels rows of `channels` values -> rows of operands: value * scale[c] + shift[c], then x / (1 + exp(-x))
  // if `silu`. scale null: the value as it is (shift is not read, silu is false).
  void (*prepare)(Operand operand, const float* source, std::size_t pixels, std::size_t channels,
                  const float* scale, const float* shift, bool silu, void* target, std::size_t plane);

  // The same with a norm of each pixel by itself: x / max(|pixel|, shortest) * sqrt(channels) * weight[c].
  void (*prepareRms)(Operand operand, const float* source, std::size_t pixels, std::size_t channels,
                     const float* weight, float shortest, bool silu, void* target, std::size_t plane);

  // target = product (+ target, if `add`), and for each channel sum += (target - origin[c]),
  // square += (target - origin[c])^2 over the pixels: float32 sums of at most 64 pixels, added up in double.
  // sum null: no statistics (origin, square unread).
  void (*accumulate)(const float* product, std::size_t pixels, std::size_t channels, bool add, float* target,
                     const float* origin, double* sum, double* square);

  // target = the larger of 0 and product (+ target, if `add`), for `count` values.
  void (*rectify)(const float* product, std::size_t count, bool add, float* target);

  // `count` sums of `group` values each, which lie one behind the other, times a factor.
  void (*groupSums)(const float* source, std::size_t count, std::size_t group, float factor, float* target);

  // One step of a softmax that sees its columns piece by piece. For each of `rows` rows of `columns` scores,
  // of which the first `valid` count (at least 1): with m the larger of maximum[row] and the row's largest
  // score,
  //   weights = exp(score - m), 0 beyond `valid`, as operands of `columns` values
  //   factor = exp(maximum[row] - m);  maximum[row] = m
  //   total[row] = total[row] * factor + sum of the weights, in float32, before they are rounded
  //   output row (`width` values) *= factor, skipped when factor is 1
  // At first, when maximum[row] is -infinity, total and output are not read: they count as 0.
  void (*softmaxStep)(Operand operand, const float* scores, std::size_t rows, std::size_t columns,
                      std::size_t valid, float* maximum, float* total, void* weights, std::size_t plane,
                      float* output, std::size_t width);

  // rows of `width` values: each divided by total[row], written as operands.
  void (*softmaxEnd)(Operand operand, const float* output, std::size_t rows, std::size_t width,
                     const float* total, void* target, std::size_t plane);
};

// The fastest that this CPU runs; not above what the environment's LATENT_CACHE_ISA names.
const Kernels& kernels();
// That of a name, for tests; null when this CPU does not run it or it was not compiled.
const Kernels* kernelsNamed(const char* name);

}  // namespace lc::onednn
