#include "onednn/weights.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace lc::onednn {
namespace {

using dnnl::memory;

constexpr std::uint64_t kAlignment = 64;

void repack(const dnnl::engine& engine, const memory::desc& from, const memory::desc& to, const void* values,
            void* target) {
  const Repacking repacking(engine, from, to);
  std::vector<std::byte> scratch(repacking.scratchBytes());
  repacking.run({dnnl::stream(engine), scratch.data()}, values, target);
}

// float32 values in the layout `from` -> the parts of operands, each in the layout `to`.
void writeParts(const dnnl::engine& engine, const Kernels& kernels, Operand operand, const memory::desc& from,
                const memory::desc& to, const float* values, std::size_t count, void* target) {
  std::vector<std::byte> operands(count * operandBytes(operand));
  kernels.prepare(operand, values, 1, count, nullptr, nullptr, false, operands.data(), count);
  for (std::size_t part = 0; part < partsOf(operand); ++part) {
    repack(engine, from, to, operands.data() + part * count * partBytes(operand),
           static_cast<std::byte*>(target) + part * weightPartBytes(to));
  }
}

std::uint64_t bytesOf(Operand operand, const memory::desc& layout) {
  return partsOf(operand) * weightPartBytes(layout);
}

// Of values (columns, inner) in memory.
memory::desc columnsFirst(Operand operand, const Product::Shape& shape) {
  return {memory::dims{shape.inner, shape.columns}, dataTypeOf(operand), memory::format_tag::ba};
}

}  // namespace

template <typename Value>
void WeightBlock::place(std::uint64_t bytes, const Value*& pointer, Write write) {
  parts_.push_back(
      {bytes_, [&pointer](void* data) { pointer = static_cast<const Value*>(data); }, std::move(write)});
  bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void WeightBlock::placeFloats(const float* values, std::uint32_t count, const float*& pointer) {
  place(count * sizeof(float), pointer, [=](void* target) {
    if (values == nullptr) {
      std::memset(target, 0, count * sizeof(float));
    } else {
      std::memcpy(target, values, count * sizeof(float));
    }
  });
}

void WeightBlock::add(const lc_conv& conv, Operand operand, Convolution::Algorithm algorithm,
                      const Extent& tile, ConvolutionWeights& weights) {
  const Convolution::Shape shape{algorithm,   conv.inputs, conv.outputs, conv.kernel,
                                 conv.stride, tile.height, tile.width};
  weights.operand = operand;
  weights.shape = shape;
  weights.layout = Convolution(engine_, operand, shape).weights();
  const memory::desc plain({conv.outputs, conv.inputs, conv.kernel, conv.kernel}, dataTypeOf(operand),
                           memory::format_tag::oihw);
  place(bytesOf(operand, weights.layout), weights.values,
        [this, operand, conv, plain, layout = weights.layout](void* target) {
          const std::size_t count = std::size_t{conv.outputs} * conv.inputs * conv.kernel * conv.kernel;
          writeParts(engine_, kernels_, operand, plain, layout, conv.weight, count, target);
        });
  placeFloats(conv.bias, conv.outputs, weights.bias);
}

void WeightBlock::add(std::vector<lc_conv> convs, const std::vector<double>& factors, Operand operand,
                      std::uint32_t rows, ProductWeights& weights) {
  const std::uint32_t inputs = convs.front().inputs;
  std::uint32_t columns = 0;
  for (const lc_conv& conv : convs) columns += conv.outputs;
  const auto scaled = [convs, factors](const auto& valuesOf) {
    std::vector<float> all;
    for (std::size_t i = 0; i < convs.size(); ++i) {
      const auto [values, count] = valuesOf(convs[i]);
      if (values == nullptr) {
        all.insert(all.end(), count, 0.0F);
        continue;
      }
      std::transform(values, values + count, std::back_inserter(all),
                     [factor = factors[i]](float value) { return static_cast<float>(value * factor); });
    }
    return all;
  };
  weights.operand = operand;
  weights.shape = {rows, inputs, columns};
  weights.layout = Product(engine_, operand, weights.shape, Product::Kind::kWithBias).weights();
  place(bytesOf(operand, weights.layout), weights.values,
        [this, operand, scaled, shape = weights.shape, layout = weights.layout](void* target) {
          const std::vector<float> values = scaled([&](const lc_conv& conv) {
            return std::pair(conv.weight, std::size_t{conv.outputs} * conv.inputs);
          });
          writeParts(engine_, kernels_, operand, columnsFirst(operand, shape), layout, values.data(),
                     values.size(), target);
        });
  place(columns * sizeof(float), weights.bias, [scaled](void* target) {
    const std::vector<float> values =
        scaled([](const lc_conv& conv) { return std::pair(conv.bias, std::size_t{conv.outputs}); });
    std::memcpy(target, values.data(), values.size() * sizeof(float));
  });
}

void WeightBlock::add(const Product::Shape& shape, Operand operand, const float* bias, RowValues rowsOf,
                      ProductWeights& weights) {
  weights.operand = operand;
  weights.shape = shape;
  weights.layout = Product(engine_, operand, shape, Product::Kind::kWithBias).weights();
  place(weights.layout.get_size(), weights.values,
        [this, operand, shape, rowsOf = std::move(rowsOf), layout = weights.layout](void* target) {
          const std::size_t rowBytes = shape.inner * operandBytes(operand);
          std::vector<std::byte> rows(rowBytes * shape.columns);
          for (std::uint32_t output = 0; output < shape.columns; ++output) {
            rowsOf(output, rows.data() + output * rowBytes);
          }
          repack(engine_, columnsFirst(operand, shape), layout, rows.data(), target);
        });
  placeFloats(bias, shape.columns, weights.bias);
}

void WeightBlock::add(const lc_norm& norm, NormParameters& parameters) {
  parameters.channels = norm.channels;
  parameters.groups = norm.groups;
  parameters.epsilon = norm.epsilon;
  placeFloats(norm.weight, norm.channels, parameters.weight);
  if (norm.kind == LC_NORM_GROUP) placeFloats(norm.bias, norm.channels, parameters.bias);
}

void WeightBlock::fill() {
  block_ = memory_.allocate(bytes_);
  auto* base = static_cast<std::byte*>(block_.data());
  for (const Part& part : parts_) {
    part.write(base + part.offset);
    part.tell(base + part.offset);
  }
  parts_.clear();
}

}  // namespace lc::onednn
