#include "onednn/primitives.h"

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

dnnl::convolution_forward::primitive_desc describe(const dnnl::engine& engine, Operand operand,
                                                   const Convolution::Shape& shape,
                                                   const memory::desc* fixedWeights) {
  const bool isWinograd = shape.algorithm == Convolution::Algorithm::kWinograd;
  const Tag layout = isWinograd ? Tag::nChw16c : Tag::nhwc;
  const auto side = [&](std::uint32_t target) {
    return memory::dim{(target - 1) * shape.stride + shape.kernel};
  };
  const memory::dim inputs = memory::dim{shape.inputs} * partsOf(operand);
  const memory::dim outputs = shape.outputs;
  const memory::dim kernel = shape.kernel;
  const memory::data_type type = dataTypeOf(operand);
  const memory::desc source(Dims{1, inputs, side(shape.height), side(shape.width)}, type, layout);
  const memory::desc weights = fixedWeights != nullptr
                                   ? *fixedWeights
                                   : memory::desc(Dims{outputs, inputs, kernel, kernel}, type, Tag::any);
  const memory::desc bias(Dims{outputs}, memory::data_type::f32, Tag::x);
  const memory::desc target(Dims{1, outputs, shape.height, shape.width}, memory::data_type::f32, layout);
  const Dims strides{shape.stride, shape.stride};
  const Dims noPadding{0, 0};
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  const auto algorithm =
      isWinograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kKind,   algorithm, source,    weights,          bias,
          target, strides, noPadding, noPadding, attributes(false)};
#else
  return {{kKind, algorithm, source, weights, bias, target, strides, noPadding, noPadding},
          attributes(false),
          engine};
#endif
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, Operand operand,
                                      const Product::Shape& shape, Product::Kind kind,
                                      const memory::desc* fixedWeights) {
  const memory::dim rows = shape.rows;
  const memory::dim inner = memory::dim{shape.inner} * partsOf(operand);
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

std::uint32_t partsOf(Operand operand) {
  return operand == Operand::kSplit ? 4 : 1;
}

Convolution::Convolution(const dnnl::engine& engine, Operand operand, const Shape& shape,
                         const memory::desc* weights)
    : engine_(engine),
      description_(describe(engine, operand, shape, weights)),
      primitive_(description_),
      source_(description_.src_desc()),
      weights_(description_.weights_desc()),
      bias_(description_.bias_desc()),
      target_(description_.dst_desc()),
      scratch_(description_.scratchpad_desc()) {}

bool Convolution::isThere(const dnnl::engine& engine, const Shape& shape) {
  try {
    describe(engine, Operand::kFloat32, shape, nullptr);
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

bool Convolution::isFast() const {
  return isReal(description_.impl_info_str());
}

void Convolution::run(const Workspace& workspace, const void* source, const void* weights, const float* bias,
                      float* target) const {
  primitive_.execute(workspace.stream, {{DNNL_ARG_SRC, wrap(engine_, source_, source)},
                                        {DNNL_ARG_WEIGHTS, wrap(engine_, weights_, weights)},
                                        {DNNL_ARG_BIAS, wrap(engine_, bias_, bias)},
                                        {DNNL_ARG_DST, wrap(engine_, target_, target)},
                                        {DNNL_ARG_SCRATCHPAD, wrap(engine_, scratch_, workspace.scratch)}});
}

Product::Product(const dnnl::engine& engine, Operand operand, const Shape& shape, Kind kind,
                 const memory::desc* weights)
    : engine_(engine),
      description_(describe(engine, operand, shape, kind, weights)),
      primitive_(description_),
      source_(description_.src_desc()),
      weights_(description_.weights_desc()),
      bias_(kind == Kind::kWithBias ? description_.bias_desc() : memory::desc()),
      target_(description_.dst_desc()),
      scratch_(description_.scratchpad_desc()) {}

bool Product::isFast() const {
  return isReal(description_.impl_info_str());
}

void Product::run(const Workspace& workspace, const void* source, const void* weights, const float* bias,
                  float* target) const {
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, wrap(engine_, source_, source)},
      {DNNL_ARG_WEIGHTS, wrap(engine_, weights_, weights)},
      {DNNL_ARG_DST, wrap(engine_, target_, target)},
      {DNNL_ARG_SCRATCHPAD, wrap(engine_, scratch_, workspace.scratch)}};
  if (bias_.get_size() != 0) arguments.emplace(DNNL_ARG_BIAS, wrap(engine_, bias_, bias));
  primitive_.execute(workspace.stream, arguments);
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
