#include "onednn/primitives.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lc::onednn {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;

memory wrap(const dnnl::engine& engine, const memory::desc& layout, const void* values) {
  // oneDNN takes every address without const and writes only to targets.
  return {layout, engine, const_cast<void*>(values)};
}

dnnl::primitive_attr attributes(bool adds) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (adds) {
    dnnl::post_ops after;
    after.append_sum(1.0F);
    attributes.set_post_ops(after);
  }
  return attributes;
}

bool isReal(const std::string_view implementation) {
  return !implementation.starts_with("ref") && !implementation.starts_with("gemm:ref");
}

// Which part of a source meets which of the weights. Of x = high + middle + low each part is some 2^-8 of
// the one before, so that the three products left out are below what float32 resolves. The smallest come
// first, where the sum rounds them least.
struct PartPair {
  std::uint32_t source;
  std::uint32_t weights;
};

constexpr PartPair kWhole[] = {{0, 0}};
constexpr PartPair kPartPairs[] = {{2, 0}, {1, 1}, {0, 2}, {1, 0}, {0, 1}, {0, 0}};

std::span<const PartPair> pairsOf(Operand operand) {
  if (operand == Operand::kSplit) return kPartPairs;
  return kWhole;
}

const void* partOf(const void* values, std::size_t bytes, std::uint32_t part) {
  return static_cast<const std::byte*>(values) + part * bytes;
}

enum class Sum { kWithBias, kAdding };

dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine, Operand operand,
                                                   const Convolution::Shape& shape, Sum sum,
                                                   const memory::desc* fixedWeights) {
  const bool isWinograd = shape.algorithm == Convolution::Algorithm::kWinograd;
  const Tag layout = isWinograd ? Tag::nChw16c : Tag::nhwc;
  const auto side = [&](std::uint32_t target) {
    return memory::dim{(target - 1) * shape.stride + shape.kernel};
  };
  const memory::dim inputs = shape.inputs;
  const memory::dim outputs = shape.outputs;
  const memory::dim kernel = shape.kernel;
  const memory::data_type type = dataTypeOf(operand);
  const memory::desc source(Dims{1, inputs, side(shape.height), side(shape.width)}, type, layout);
  const memory::desc weights = fixedWeights != nullptr
                                   ? *fixedWeights
                                   : memory::desc(Dims{outputs, inputs, kernel, kernel}, type, Tag::any);
  const bool adds = sum == Sum::kAdding;
  const memory::desc bias =
      adds ? memory::desc() : memory::desc(Dims{outputs}, memory::data_type::f32, Tag::x);
  const memory::desc target(Dims{1, outputs, shape.height, shape.width}, memory::data_type::f32, layout);
  const Dims strides{shape.stride, shape.stride};
  const Dims noPadding{0, 0};
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  const auto algorithm =
      isWinograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kKind,   algorithm, source,    weights,         bias,
          target, strides, noPadding, noPadding, attributes(adds)};
#else
  return {{kKind, algorithm, source, weights, bias, target, strides, noPadding, noPadding},
          attributes(adds),
          engine};
#endif
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, Operand operand,
                                      const Product::Shape& shape, Product::Kind kind,
                                      const memory::desc* fixedWeights) {
  const memory::dim rows = shape.rows;
  const memory::dim inner = shape.inner;
  const memory::dim columns = shape.columns;
  const memory::data_type type = dataTypeOf(operand);
  const memory::desc source(Dims{rows, inner}, type, Tag::ab);
  const memory::desc weights =
      fixedWeights != nullptr ? *fixedWeights : memory::desc(Dims{inner, columns}, type, Tag::any);
  const memory::desc bias = kind == Product::Kind::kWithBias
                                ? memory::desc(Dims{1, columns}, memory::data_type::f32, Tag::ab)
                                : memory::desc();
  const memory::desc target(Dims{rows, columns}, memory::data_type::f32, Tag::ab);
  const dnnl::primitive_attr how = attributes(kind == Product::Kind::kAdding);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, source, weights, bias, target, how};
#else
  return {{source, weights, bias, target}, how, engine};
#endif
}

}  // namespace

const char* libraryVersion() {
  static const std::string text = [] {
    const dnnl_version_t& version = *dnnl_version();
    return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
           std::to_string(version.patch);
  }();
  return text.c_str();
}

memory::data_type dataTypeOf(Operand operand) {
  return operand == Operand::kFloat32 ? memory::data_type::f32 : memory::data_type::bf16;
}

std::size_t weightPartBytes(const memory::desc& layout) {
  constexpr std::size_t kAlignment = 64;
  return (layout.get_size() + kAlignment - 1) / kAlignment * kAlignment;
}

template <typename Primitive>
Multiplication<Primitive>::Multiplication(const dnnl::engine& engine, Operand operand,
                                          const Description& description, bool hasBias)
    : engine_(engine),
      operand_(operand),
      first_{Primitive(description), description.scratchpad_desc()},
      source_(description.src_desc()),
      weights_(description.weights_desc()),
      bias_(hasBias ? description.bias_desc() : memory::desc()),
      target_(description.dst_desc()),
      isFast_(isReal(description.impl_info_str())) {}

template <typename Primitive>
void Multiplication<Primitive>::addFurtherPartsWith(const Description& description) {
  further_ = {Primitive(description), description.scratchpad_desc()};
  isFast_ = isFast_ && isReal(description.impl_info_str());
}

template <typename Primitive>
std::size_t Multiplication<Primitive>::scratchBytes() const {
  return std::max(first_.scratch.get_size(), further_.scratch.get_size());
}

template <typename Primitive>
void Multiplication<Primitive>::run(const Workspace& workspace, const void* source, const void* weights,
                                    const float* bias, float* target) const {
  const std::span<const PartPair> pairs = pairsOf(operand_);
  for (const PartPair& pair : pairs) {
    const bool isFirst = &pair == &pairs.front();
    const Call& call = isFirst ? first_ : further_;
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, wrap(engine_, source_, partOf(source, source_.get_size(), pair.source))},
        {DNNL_ARG_WEIGHTS, wrap(engine_, weights_, partOf(weights, weightPartBytes(weights_), pair.weights))},
        {DNNL_ARG_DST, wrap(engine_, target_, target)},
        {DNNL_ARG_SCRATCHPAD, wrap(engine_, call.scratch, workspace.scratch)}};
    if (isFirst && bias_.get_size() != 0) arguments.emplace(DNNL_ARG_BIAS, wrap(engine_, bias_, bias));
    call.primitive.execute(workspace.stream, arguments);
  }
}

template class Multiplication<dnnl::convolution_forward>;
template class Multiplication<dnnl::matmul>;

Convolution::Convolution(const dnnl::engine& engine, Operand operand, const Shape& shape,
                         const memory::desc* weights)
    : Multiplication(engine, operand, describe(engine, operand, shape, Sum::kWithBias, weights), true) {
  if (operand != Operand::kSplit) return;
  addFurtherPartsWith(describe(engine, operand, shape, Sum::kAdding, &this->weights()));
}

bool Convolution::isThere(const dnnl::engine& engine, const Shape& shape) {
  try {
    describe(engine, Operand::kFloat32, shape, Sum::kWithBias, nullptr);
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

Product::Product(const dnnl::engine& engine, Operand operand, const Shape& shape, Kind kind,
                 const memory::desc* weights)
    : Multiplication(engine, operand, describe(engine, operand, shape, kind, weights),
                     kind == Kind::kWithBias) {
  if (operand != Operand::kSplit) return;
  addFurtherPartsWith(describe(engine, operand, shape, Kind::kAdding, &this->weights()));
}

Repacking::Repacking(const dnnl::engine& engine, const memory::desc& from, const memory::desc& to)
    : engine_(engine), from_(from), to_(to) {
  const dnnl::reorder::primitive_desc description(engine, from, engine, to, attributes(false));
  primitive_ = dnnl::reorder(description);
  scratch_ = description.scratchpad_desc();
}

void Repacking::run(const Workspace& workspace, const void* from, void* to) const {
  primitive_.execute(workspace.stream, {{DNNL_ARG_FROM, wrap(engine_, from_, from)},
                                        {DNNL_ARG_TO, wrap(engine_, to_, to)},
                                        {DNNL_ARG_SCRATCHPAD, wrap(engine_, scratch_, workspace.scratch)}});
}

}  // namespace lc::onednn
