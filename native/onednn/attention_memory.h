// Queries, keys and values of an attention: where they lie, and how the keys are cut in chunks.
#pragma once

#include <cstdint>

#include "onednn/fitting.h"
#include "onednn/plan_builder.h"
#include "onednn/tiling.h"

namespace lc::onednn {

// Scores of all keys would need (pixels / 64)^2 values for each image; so queries meet the keys chunk by
// chunk, and a running softmax (Milakov and Gimelshein's) makes the result that of all of them at once.
class AttentionMemory {
 public:
  AttentionMemory(PlanBuilder& builder, std::uint32_t index, const AttentionOperation& operation);

  // Tokens as a map of one row, in tiles of queries.
  const Tiling& queries() const { return queries_; }
  std::uint32_t channels() const { return channels_; }
  Operand operand() const { return operand_; }
  std::uint32_t chunks() const { return chunks_; }
  std::uint32_t keysPerChunk() const { return keysPerChunk_; }
  // Of the last chunk fewer may count.
  std::uint32_t validKeys(std::uint32_t chunk) const;

  const Product& scores() const { return scores_; }
  const Product& weighted() const { return weighted_; }

  // Items of the plan. Each is divided by image, then by tile of queries or chunk of keys.
  std::uint32_t queryItem() const { return queryItem_; }
  std::uint32_t plainKeyItem() const { return plainKeyItem_; }
  std::uint32_t plainValueItem() const { return plainValueItem_; }
  std::uint32_t keyItem() const { return keyItem_; }
  std::uint32_t valueItem() const { return valueItem_; }
  // Bytes of one tile or chunk, whose parts lie one behind the other.
  std::uint64_t queryBytes() const { return queryBytes_; }
  std::uint64_t plainBytes() const { return plainBytes_; }
  std::uint64_t keyBytes() const { return scores_.weightBytes(); }
  std::uint64_t valueBytes() const { return weighted_.weightBytes(); }

 private:
  Operand operand_;
  std::uint32_t channels_;
  Tiling queries_;
  std::uint32_t chunks_;
  std::uint32_t keysPerChunk_;
  Product scores_;
  Product weighted_;
  std::uint64_t queryBytes_;
  std::uint64_t plainBytes_;
  std::uint32_t queryItem_;
  std::uint32_t plainKeyItem_;
  std::uint32_t plainValueItem_;
  std::uint32_t keyItem_;
  std::uint32_t valueItem_;
};

}  // namespace lc::onednn
