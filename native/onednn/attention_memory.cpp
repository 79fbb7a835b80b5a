#include "onednn/attention_memory.h"

#include <algorithm>

#include "onednn/tile_sizes.h"

namespace lc::onednn {
namespace {

// Keys of a chunk are a multiple of it: the width of a vector.
constexpr std::uint32_t kKeyStep = 16;

std::uint32_t tokensOf(const Extent& map) {
  return map.height * map.width;
}

std::uint32_t chunksOf(std::uint32_t tokens) {
  return (tokens + kAttentionKeys - 1) / kAttentionKeys;
}

std::uint32_t chunkSize(std::uint32_t tokens) {
  const std::uint32_t chunks = chunksOf(tokens);
  return ((tokens + chunks - 1) / chunks + kKeyStep - 1) / kKeyStep * kKeyStep;
}

Tiling queryTiles(std::uint32_t tokens) {
  return {{1, tokens}, {1, std::min(tokens, kAttentionRows)}};
}

}  // namespace

AttentionMemory::AttentionMemory(PlanBuilder& builder, std::uint32_t index,
                                 const AttentionOperation& operation)
    : operand_(builder.network.operand()),
      channels_(builder.channelsOf(operation.map)),
      queries_(queryTiles(tokensOf(builder.extentOf(operation.map)))),
      // rounded up, the last ones may be empty
      chunks_((queries_.map().width + chunkSize(queries_.map().width) - 1) / chunkSize(queries_.map().width)),
      keysPerChunk_(chunkSize(queries_.map().width)),
      scores_(builder.engine, operand_, {queries_.tile().width, channels_, keysPerChunk_},
              Product::Kind::kPlain),
      weighted_(builder.engine, operand_, {queries_.tile().width, keysPerChunk_, channels_},
                Product::Kind::kAdding) {
  const std::uint64_t tokenBytes = std::uint64_t{channels_} * operandBytes(operand_);
  queryBytes_ = queries_.tile().width * tokenBytes;
  plainBytes_ = keysPerChunk_ * tokenBytes;
  const std::uint64_t images = builder.shape.count;
  const auto item = [&](std::uint64_t parts, std::uint64_t bytes) {
    return builder.arena.add(images * parts * bytes, {index, index});
  };
  queryItem_ = item(queries_.count(), queryBytes_);
  plainKeyItem_ = item(chunks_, plainBytes_);
  plainValueItem_ = item(chunks_, plainBytes_);
  keyItem_ = item(chunks_, keyBytes());
  valueItem_ = item(chunks_, valueBytes());
}

std::uint32_t AttentionMemory::validKeys(std::uint32_t chunk) const {
  return std::min(keysPerChunk_, queries_.map().width - chunk * keysPerChunk_);
}

}  // namespace lc::onednn
