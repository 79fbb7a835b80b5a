#include "onednn/norm_table.h"

#include "onednn/group_norm.h"

namespace lc::onednn {

NormTable::NormTable(PlanBuilder& builder, std::uint32_t operation, const NormOfMap& norm)
    : norm_(norm.parameters),
      statistics_(builder.statistics[norm.writer].value()),
      count_(builder.shape.count),
      item_(builder.arena.add(std::uint64_t{count_} * 2 * norm_.channels * sizeof(float),
                              {operation, operation})) {}

void NormTable::finish(const Stage& stage) const {
  stage.pool.run(count_, [&](std::size_t image, std::uint32_t) {
    float* scale = table(stage, static_cast<std::uint32_t>(image));
    const GroupMoments* tiles =
        stage.at<GroupMoments>(statistics_.item) + image * statistics_.tiling.count() * norm_.groups;
    finishNorm(tiles, statistics_.tiling, norm_, scale, scale + norm_.channels);
  });
}

const float* NormTable::scale(const Stage& stage, std::uint32_t image) const {
  return table(stage, image);
}

float* NormTable::table(const Stage& stage, std::uint32_t image) const {
  return stage.at<float>(item_) + std::size_t{image} * 2 * norm_.channels;
}

}  // namespace lc::onednn
