#include "onednn/norm_table.h"

#include "onednn/group_norm.h"

namespace lc::onednn {

NormTable::NormTable(PlanBuilder& builder, std::uint32_t operation, const NormOfMap& norm)
    : norm_(norm.parameters), count_(builder.shape.count) {
  if (!norm.writer) return;
  const std::uint64_t bytes = std::uint64_t{count_} * 2 * norm_.channels * sizeof(float);
  table_.emplace(
      Table{builder.statistics[*norm.writer].value(), builder.arena.add(bytes, {operation, operation})});
}

void NormTable::finish(const Stage& stage) const {
  if (!table_) return;
  const Tiling& tiling = table_->statistics.tiling;
  stage.pool.run(count_, [&](std::size_t image, std::uint32_t) {
    float* scale = tableOf(stage, static_cast<std::uint32_t>(image));
    const GroupMoments* tiles =
        stage.at<GroupMoments>(table_->statistics.item) + image * tiling.count() * norm_.groups;
    finishNorm(tiles, tiling, norm_, scale, scale + norm_.channels);
  });
}

void NormTable::applyTo(GatherSource& source, const Stage& stage, std::uint32_t image) const {
  if (table_) {
    source.scale = tableOf(stage, image);
    source.shift = source.scale + norm_.channels;
  } else {
    source.scale = norm_.weight;
    source.shift = nullptr;
    source.shortest = static_cast<float>(norm_.epsilon);
  }
}

float* NormTable::tableOf(const Stage& stage, std::uint32_t image) const {
  return stage.at<float>(table_->item) + std::size_t{image} * 2 * norm_.channels;
}

}  // namespace lc::onednn
