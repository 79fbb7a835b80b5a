#include "sim/work.h"

#include <map>

namespace lc::sim {

// At full size at once: what a residual block adds to, its branch, and the branch's next map.
constexpr std::uint64_t kMaps = 3;

const Precision* findPrecision(const std::string& name) {
  static const std::map<std::string, Precision> all = {
      {"fp16", {2, 1, true}}, {"bf16", {2, 1, false}}, {"tf32", {4, 0.5, false}}, {"fp32", {4, 0.5, false}}};
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

Work Cost::of(double pixels, double tokens) const {
  return {operations * pixels + pairs * tokens * tokens, elements * pixels};
}

std::uint64_t Cost::activationBytes(const lc_shape& shape, std::uint64_t tokens, std::uint32_t chunks,
                                    std::uint32_t elementBytes) const {
  const std::uint64_t pixels = std::uint64_t{shape.height} * shape.width;
  const std::uint64_t queries = (tokens + chunks - 1) / chunks;
  return shape.count * (kMaps * width * pixels + queries * tokens) * elementBytes;
}

}  // namespace lc::sim
