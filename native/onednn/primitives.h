// The two primitives of oneDNN that do nearly all of the arithmetic, at a fixed shape and on one thread. The
// only place that knows that oneDNN 2 and 3 are told of them in different ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "onednn/kernels/kernels.h"

namespace lc::onednn {

// "oneDNN 2.6.3"
const char* libraryVersion();

dnnl::memory::data_type dataTypeOf(Operand operand);
// From one part of weights in this layout to the next.
std::size_t weightPartBytes(const dnnl::memory::desc& layout);

// Where a primitive works besides its operands. All are owned by the caller, of one thread.
struct Workspace {
  const dnnl::stream& stream;
  // Of at least scratchBytes().
  void* scratch;
};

// target = source * weights, with a bias or added to the target. Split operands are multiplied part by part.
template <typename Primitive>
class Multiplication {
 public:
  // Whether oneDNN has a real implementation and not only its plain loops.
  bool isFast() const { return isFast_; }
  // The layout of one part.
  const dnnl::memory::desc& weights() const { return weights_; }
  // Of all parts.
  std::size_t weightBytes() const { return partsOf(operand_) * weightPartBytes(weights_); }
  std::size_t scratchBytes() const;

  // `bias` is read where there is one. Parts of a source lie one behind the other, without gaps.
  void run(const Workspace& workspace, const void* source, const void* weights, const float* bias,
           float* target) const;

 protected:
  using Description = typename Primitive::primitive_desc;

  Multiplication(const dnnl::engine& engine, Operand operand, const Description& description, bool hasBias);
  // The same multiplication, added to the target.
  void addFurtherPartsWith(const Description& description);

 private:
  struct Call {
    Primitive primitive;
    dnnl::memory::desc scratch;
  };

  dnnl::engine engine_;
  Operand operand_;
  Call first_;
  // Empty unless operands are split.
  Call further_;
  dnnl::memory::desc source_;
  dnnl::memory::desc weights_;
  dnnl::memory::desc bias_;
  dnnl::memory::desc target_;
  bool isFast_;
};

// target = source * weights + bias: a convolution without padding on a dense tile.
class Convolution : public Multiplication<dnnl::convolution_forward> {
 public:
  // Winograd's F(4x4, 3x3) multiplies a quarter as often; its float32 results are off by less than twice as
  // much, and its weights are four times as large. oneDNN has it up to version 2, for AVX-512 and float32 in
  // blocks.
  enum class Algorithm { kDirect, kWinograd };

  struct Shape {
    Algorithm algorithm;
    std::uint32_t inputs;
    std::uint32_t outputs;
    std::uint32_t kernel;
    std::uint32_t stride;
    // Of the target; the source has (side - 1) * stride + kernel.
    std::uint32_t height;
    std::uint32_t width;
  };

  // Weights are (outputs, inputs, kernel, kernel); source: operands (height, width, inputs), target: float32
  // (height, width, outputs). Winograd's are in blocks, see blocks.h. `weights` null: the layout that is best
  // for this shape. Throws dnnl::error when oneDNN has no such algorithm.
  Convolution(const dnnl::engine& engine, Operand operand, const Shape& shape,
              const dnnl::memory::desc* weights = nullptr);

  // Whether oneDNN has the algorithm for float32 here.
  static bool isThere(const dnnl::engine& engine, const Shape& shape);
};

// target (rows, columns) = source (rows, inner) * weights (inner, columns), with a bias or added to the
// target.
class Product : public Multiplication<dnnl::matmul> {
 public:
  struct Shape {
    std::uint32_t rows;
    std::uint32_t inner;
    std::uint32_t columns;
  };
  enum class Kind { kPlain, kWithBias, kAdding };

  Product(const dnnl::engine& engine, Operand operand, const Shape& shape, Kind kind,
          const dnnl::memory::desc* weights = nullptr);
};

// Copies values from one layout to another of the same size and type, or rounds float32 to it.
class Repacking {
 public:
  Repacking(const dnnl::engine& engine, const dnnl::memory::desc& from, const dnnl::memory::desc& to);
  std::size_t scratchBytes() const { return scratch_.get_size(); }
  void run(const Workspace& workspace, const void* from, void* to) const;

 private:
  const dnnl::engine engine_;
  dnnl::memory::desc from_;
  dnnl::memory::desc to_;
  dnnl::reorder primitive_;
  dnnl::memory::desc scratch_;
};

}  // namespace lc::onednn
