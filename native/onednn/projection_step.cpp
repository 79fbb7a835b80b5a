#include "onednn/projection_step.h"

#include <algorithm>
#include <cstring>

#include "onednn/gather.h"

namespace lc::onednn {
namespace {

// Keys lie one after the other, which makes them the columns of a product.
dnnl::memory::desc plainKeys(const AttentionMemory& memory) {
  const dnnl::memory::dim inner = dnnl::memory::dim{memory.channels()} * partsOf(memory.operand());
  return {{inner, memory.keysPerChunk()}, dataTypeOf(memory.operand()), dnnl::memory::format_tag::ba};
}

dnnl::memory::desc plainValues(const AttentionMemory& memory) {
  const dnnl::memory::dim inner = dnnl::memory::dim{memory.keysPerChunk()} * partsOf(memory.operand());
  return {{inner, memory.channels()}, dataTypeOf(memory.operand()), dnnl::memory::format_tag::ab};
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
  token_ = scratch_.add(tokenBytes);
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

  const GatherSource source{stage.at<float>(map_) + image * tokens * channels,
                            queries.map(),
                            channels,
                            norm_.scale(stage, image),
                            norm_.shift(stage, image),
                            false};
  gather(kernels_, operand, source, {0, tile.left, 1, fitting_.rows}, scratch + operands_);
  auto* product = reinterpret_cast<float*>(scratch + product_);
  fitting_.product.run({stage.streams[thread], scratch + workspace_}, scratch + operands_, weights_.values,
                       weights_.bias, product);

  const std::size_t tokenBytes = channels * operandBytes(operand);
  std::byte* query = stage.at<std::byte>(memory_.queryItem()) +
                     (std::size_t{image} * queries.count() + index) * memory_.queryBytes();
  std::byte* parts = scratch + token_;
  const auto prepare = [&](const float* values, void* target) {
    kernels_.prepare(operand, values, 1, channels, nullptr, nullptr, false, target);
  };
  // Queries beyond the last token are computed and not used.
  for (std::uint32_t row = 0; row < queries.tile().width; ++row) {
    const float* values = product + std::size_t{row} * kProjections * channels;
    prepare(values, query + row * tokenBytes);
    if (row >= tile.width) continue;
    prepare(values + channels, parts);
    writeKey(stage, image, tile.left + row, parts);
    prepare(values + 2 * std::size_t{channels}, parts);
    writeValue(stage, image, tile.left + row, parts);
  }
  if (index + 1 == queries.count()) writeRest(stage, image, parts);
}

std::byte* ProjectionStep::chunkOf(const Stage& stage, std::uint32_t item, std::uint32_t image,
                                   std::uint32_t token) const {
  const std::size_t chunk = std::size_t{image} * memory_.chunks() + token / memory_.keysPerChunk();
  return stage.at<std::byte>(item) + chunk * memory_.plainBytes();
}

// The parts of a split operand, high | low | high | low, become those of weights: high | high | low | low.
void ProjectionStep::writeKey(const Stage& stage, std::uint32_t image, std::uint32_t token,
                              const std::byte* parts) const {
  const std::size_t tokenBytes = memory_.channels() * operandBytes(memory_.operand());
  std::byte* key =
      chunkOf(stage, memory_.plainKeyItem(), image, token) + token % memory_.keysPerChunk() * tokenBytes;
  std::memcpy(key, parts, tokenBytes);
  if (memory_.operand() != Operand::kSplit) return;
  const std::size_t part = tokenBytes / partsOf(Operand::kSplit);
  std::swap_ranges(key + part, key + 2 * part, key + 2 * part);
}

// The same by rows of the chunk: high of all keys twice, then low of all keys twice.
void ProjectionStep::writeValue(const Stage& stage, std::uint32_t image, std::uint32_t token,
                                const std::byte* parts) const {
  const std::uint32_t keys = memory_.keysPerChunk();
  const std::size_t part = memory_.channels() * operandBytes(memory_.operand()) / partsOf(memory_.operand());
  std::byte* row = chunkOf(stage, memory_.plainValueItem(), image, token) + token % keys * part;
  std::memcpy(row, parts, part);
  if (memory_.operand() != Operand::kSplit) return;
  std::memcpy(row + keys * part, parts, part);
  std::memcpy(row + 2 * std::size_t{keys} * part, parts + part, part);
  std::memcpy(row + 3 * std::size_t{keys} * part, parts + part, part);
}

void ProjectionStep::writeRest(const Stage& stage, std::uint32_t image, std::byte* zeros) const {
  std::memset(zeros, 0, memory_.channels() * operandBytes(memory_.operand()));
  const std::uint32_t end = memory_.chunks() * memory_.keysPerChunk();
  for (std::uint32_t token = memory_.queries().map().width; token < end; ++token) {
    writeKey(stage, image, token, zeros);
    writeValue(stage, image, token, zeros);
  }
}

void ProjectionStep::repack(const Stage& stage, std::size_t piece, std::uint32_t thread) const {
  const Workspace workspace{stage.streams[thread], stage.scratchOf(thread) + workspace_};
  const bool isValue = piece >= std::size_t{count_} * memory_.chunks();
  const std::size_t chunk = isValue ? piece - std::size_t{count_} * memory_.chunks() : piece;
  const std::uint64_t from = chunk * memory_.plainBytes();
  if (isValue) {
    values_.run(workspace, stage.at<std::byte>(memory_.plainValueItem()) + from,
                stage.at<std::byte>(memory_.valueItem()) + chunk * memory_.valueBytes());
  } else {
    keys_.run(workspace, stage.at<std::byte>(memory_.plainKeyItem()) + from,
              stage.at<std::byte>(memory_.keyItem()) + chunk * memory_.keyBytes());
  }
}

}  // namespace lc::onednn
