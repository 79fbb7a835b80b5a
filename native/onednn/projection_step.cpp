#include "onednn/projection_step.h"

#include <algorithm>

#include "onednn/gather.h"

namespace lc::onednn {
namespace {

// Keys lie one after the other, which makes them the columns of a product.
dnnl::memory::desc plainKeys(const AttentionMemory& memory) {
  return {
      {memory.channels(), memory.keysPerChunk()}, dataTypeOf(memory.operand()), dnnl::memory::format_tag::ba};
}

dnnl::memory::desc plainValues(const AttentionMemory& memory) {
  return {
      {memory.keysPerChunk(), memory.channels()}, dataTypeOf(memory.operand()), dnnl::memory::format_tag::ab};
}

// Query, key and value of a token lie side by side.
constexpr std::uint32_t kProjections = 3;

}  // namespace

ProjectionStep::ProjectionStep(PlanBuilder& builder, std::uint32_t index, const AttentionOperation& operation,
                               const AttentionMemory& memory)
    : memory_(memory),
      weights_(operation.queryKeyValue),
      kernels_(builder.kernels),
      count_(builder.shape.count),
      map_(builder.maps[operation.map]),
      norm_(builder, index, operation.norm),
      fitting_(fitProduct(builder.engine, weights_, memory.queries().tile().width, Product::Kind::kWithBias)),
      keys_(builder.engine, plainKeys(memory), memory.scores().weights()),
      values_(builder.engine, plainValues(memory), memory.weighted().weights()) {
  const std::uint64_t tokenBytes = std::uint64_t{memory.channels()} * operandBytes(memory.operand());
  operands_ = scratch_.add(fitting_.rows * tokenBytes);
  product_ = scratch_.add(std::uint64_t{fitting_.rows} * weights_.shape.columns * sizeof(float));
  workspace_ =
      scratch_.add(std::max({fitting_.product.scratchBytes(), keys_.scratchBytes(), values_.scratchBytes()}));
}

void ProjectionStep::run(const Stage& stage) const {
  norm_.finish(stage);
  const std::size_t tiles = memory_.queries().count();
  stage.pool.run(count_ * tiles, [&](std::size_t piece, std::uint32_t thread) {
    runTile(stage, static_cast<std::uint32_t>(piece / tiles), static_cast<std::uint32_t>(piece % tiles),
            thread);
  });
  stage.pool.run(std::size_t{2} * count_ * memory_.chunks(),
                 [&](std::size_t piece, std::uint32_t thread) { repack(stage, piece, thread); });
}

void ProjectionStep::runTile(const Stage& stage, std::uint32_t image, std::uint32_t index,
                             std::uint32_t thread) const {
  std::byte* scratch = stage.scratchOf(thread);
  const Tiling& queries = memory_.queries();
  const Tiling::Tile tile = queries[index];
  const std::uint32_t channels = memory_.channels();
  const Operand operand = memory_.operand();
  const std::size_t tokens = queries.map().width;

  GatherSource source{
      stage.at<float>(map_) + image * tokens * channels, queries.map(), channels, nullptr, nullptr, false};
  norm_.applyTo(source, stage, image);
  gather(kernels_, operand, source, {0, tile.left, 1, fitting_.rows}, scratch + operands_,
         std::size_t{fitting_.rows} * channels);
  auto* product = reinterpret_cast<float*>(scratch + product_);
  fitting_.product.run({stage.streams[thread], scratch + workspace_}, scratch + operands_, weights_.values,
                       weights_.bias, product);

  const std::size_t tokenBytes = channels * partBytes(operand);
  const std::uint32_t rows = queries.tile().width;
  std::byte* query = stage.at<std::byte>(memory_.queryItem()) +
                     (std::size_t{image} * queries.count() + index) * memory_.queryBytes();
  // Queries beyond the last token are computed and not used.
  for (std::uint32_t row = 0; row < rows; ++row) {
    const float* values = product + std::size_t{row} * kProjections * channels;
    kernels_.prepare(operand, values, 1, channels, nullptr, nullptr, false, query + row * tokenBytes,
                     std::size_t{rows} * channels);
    if (row >= tile.width) continue;
    writeToken(stage, memory_.plainKeyItem(), image, tile.left + row, values + channels);
    writeToken(stage, memory_.plainValueItem(), image, tile.left + row, values + 2 * std::size_t{channels});
  }
  if (index + 1 == queries.count()) {
    std::fill_n(product, channels, 0.0F);
    writeRest(stage, image, product);
  }
}

void ProjectionStep::writeToken(const Stage& stage, std::uint32_t item, std::uint32_t image,
                                std::uint32_t token, const float* values) const {
  const std::uint32_t keys = memory_.keysPerChunk();
  const std::uint32_t channels = memory_.channels();
  const Operand operand = memory_.operand();
  const std::size_t chunk = std::size_t{image} * memory_.chunks() + token / keys;
  std::byte* target = stage.at<std::byte>(item) + chunk * memory_.plainBytes() +
                      std::size_t{token % keys} * channels * partBytes(operand);
  kernels_.prepare(operand, values, 1, channels, nullptr, nullptr, false, target,
                   std::size_t{keys} * channels);
}

void ProjectionStep::writeRest(const Stage& stage, std::uint32_t image, const float* zeros) const {
  const std::uint32_t end = memory_.chunks() * memory_.keysPerChunk();
  for (std::uint32_t token = memory_.queries().map().width; token < end; ++token) {
    writeToken(stage, memory_.plainKeyItem(), image, token, zeros);
    writeToken(stage, memory_.plainValueItem(), image, token, zeros);
  }
}

void ProjectionStep::repack(const Stage& stage, std::size_t piece, std::uint32_t thread) const {
  const Workspace workspace{stage.streams[thread], stage.scratchOf(thread) + workspace_};
  const bool isValue = piece >= std::size_t{count_} * memory_.chunks();
  const std::size_t chunk = isValue ? piece - std::size_t{count_} * memory_.chunks() : piece;
  const Repacking& repacking = isValue ? values_ : keys_;
  const std::byte* from = stage.at<std::byte>(isValue ? memory_.plainValueItem() : memory_.plainKeyItem()) +
                          chunk * memory_.plainBytes();
  std::byte* to = isValue ? stage.at<std::byte>(memory_.valueItem()) + chunk * memory_.valueBytes()
                          : stage.at<std::byte>(memory_.keyItem()) + chunk * memory_.keyBytes();
  const std::size_t parts = partsOf(memory_.operand());
  for (std::size_t part = 0; part < parts; ++part) {
    repacking.run(workspace, from + part * (memory_.plainBytes() / parts),
                  to + part * weightPartBytes((isValue ? memory_.weighted() : memory_.scores()).weights()));
  }
}

}  // namespace lc::onednn
