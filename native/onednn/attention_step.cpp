#include "onednn/attention_step.h"

#include <algorithm>
#include <limits>

namespace lc::onednn {

AttentionStep::AttentionStep(PlanBuilder& builder, std::uint32_t index, const AttentionOperation& operation,
                             const AttentionMemory& memory)
    : memory_(memory),
      weights_(operation.output),
      kernels_(builder.kernels),
      count_(builder.shape.count),
      fitting_(fitProduct(builder.engine, weights_, memory.queries().tile().width, Product::Kind::kWithBias)),
      writer_(builder, index, operation.map, memory.queries()) {
  const std::uint64_t rows = memory.queries().tile().width;
  const std::uint64_t channels = memory.channels();
  const std::size_t valueBytes = operandBytes(memory.operand());
  scores_ = scratch_.add(rows * memory.keysPerChunk() * sizeof(float));
  // of the weights of a chunk, and at the end of the attended values
  operands_ = scratch_.add(std::max(rows * memory.keysPerChunk(), fitting_.rows * channels) * valueBytes);
  attended_ = scratch_.add(rows * channels * sizeof(float));
  product_ = scratch_.add(fitting_.rows * channels * sizeof(float));
  maximum_ = scratch_.add(rows * sizeof(float));
  total_ = scratch_.add(rows * sizeof(float));
  sums_ = scratch_.add(writer_.scratchBytes());
  workspace_ = scratch_.add(std::max(
      {memory.scores().scratchBytes(), memory.weighted().scratchBytes(), fitting_.product.scratchBytes()}));
}

void AttentionStep::run(const Stage& stage) const {
  const std::size_t tiles = memory_.queries().count();
  stage.pool.run(count_ * tiles, [&](std::size_t piece, std::uint32_t thread) {
    runTile(stage, static_cast<std::uint32_t>(piece / tiles), static_cast<std::uint32_t>(piece % tiles),
            thread);
  });
}

void AttentionStep::runTile(const Stage& stage, std::uint32_t image, std::uint32_t index,
                            std::uint32_t thread) const {
  std::byte* scratch = stage.scratchOf(thread);
  const auto floats = [&](std::uint64_t offset) { return reinterpret_cast<float*>(scratch + offset); };
  const Workspace workspace{stage.streams[thread], scratch + workspace_};
  const std::uint32_t rows = memory_.queries().tile().width;
  const std::uint32_t keys = memory_.keysPerChunk();
  const std::uint32_t channels = memory_.channels();
  std::byte* operands = scratch + operands_;
  float* attended = floats(attended_);
  const std::byte* query = stage.at<std::byte>(memory_.queryItem()) +
                           (std::size_t{image} * memory_.queries().count() + index) * memory_.queryBytes();

  std::fill_n(floats(maximum_), rows, -std::numeric_limits<float>::infinity());
  std::fill_n(floats(total_), rows, 0.0F);
  std::fill_n(attended, std::size_t{rows} * channels, 0.0F);
  for (std::uint32_t chunk = 0; chunk < memory_.chunks(); ++chunk) {
    const std::size_t place = std::size_t{image} * memory_.chunks() + chunk;
    memory_.scores().run(workspace, query,
                         stage.at<std::byte>(memory_.keyItem()) + place * memory_.keyBytes(), nullptr,
                         floats(scores_));
    kernels_.softmaxStep(memory_.operand(), floats(scores_), rows, keys, memory_.validKeys(chunk),
                         floats(maximum_), floats(total_), operands, std::size_t{rows} * keys, attended,
                         channels);
    memory_.weighted().run(workspace, operands,
                           stage.at<std::byte>(memory_.valueItem()) + place * memory_.valueBytes(), nullptr,
                           attended);
  }
  kernels_.softmaxEnd(memory_.operand(), attended, rows, channels, floats(total_), operands,
                      std::size_t{fitting_.rows} * channels);
  fitting_.product.run(workspace, operands, weights_.values, weights_.bias, floats(product_));
  writer_.write(stage, image, index, {floats(product_), memory_.queries().tile(), channels}, true,
                scratch + sums_);
}

}  // namespace lc::onednn
