#include "onednn/plan.h"

#include <algorithm>
#include <string>
#include <variant>

#include "onednn/attention_step.h"
#include "onednn/convolution_step.h"
#include "onednn/pixel_step.h"
#include "onednn/plan_builder.h"
#include "onednn/projection_step.h"
#include "plugin/failure.h"

namespace lc::onednn {
namespace {

// Pixels beyond which numbers of tokens and values no longer fit their types.
constexpr std::uint32_t kMostSide = 1 << 16;
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 30;

void checkShape(const lc_shape& shape, std::uint32_t stride) {
  const auto fits = [&](std::uint32_t side) { return side > 0 && side % stride == 0 && side <= kMostSide; };
  const std::uint64_t pixels = std::uint64_t{shape.height} * shape.width;
  if (shape.count > 0 && fits(shape.height) && fits(shape.width) && pixels <= kMostPixels / shape.count)
    return;
  throw plugin::Failure(LC_SHAPE, "",
                        "There is no plan for " + std::to_string(shape.count) + " images of " +
                            std::to_string(shape.width) + " x " + std::to_string(shape.height) +
                            " pixels: sides are multiples of " + std::to_string(stride));
}

// First and last operation that uses each map, and the last that reads each operation's statistics.
struct Uses {
  std::vector<ArenaPlan::Lifetime> maps;
  std::vector<std::uint32_t> statistics;

  explicit Uses(const Network& network)
      : maps(network.maps().size(), {UINT32_MAX, 0}), statistics(network.operations().size(), 0) {
    for (std::uint32_t index = 0; index < network.operations().size(); ++index) {
      std::visit([&](const auto& operation) { add(index, operation); }, network.operations()[index].what);
    }
  }

 private:
  void add(std::uint32_t index, const PixelOperation& operation) { useMap(index, operation.target); }
  void add(std::uint32_t index, const ConvolutionOperation& operation) {
    useMap(index, operation.source);
    if (operation.target) useMap(index, *operation.target);
    if (operation.shortcut) useMap(index, operation.shortcut->source);
    if (operation.norm) useNorm(index, *operation.norm);
  }
  void add(std::uint32_t index, const AttentionOperation& operation) {
    useMap(index, operation.map);
    useNorm(index, operation.norm);
  }
  void useMap(std::uint32_t index, std::uint32_t map) {
    maps[map].first = std::min(maps[map].first, index);
    maps[map].last = std::max(maps[map].last, index);
  }
  void useNorm(std::uint32_t index, const NormOfMap& norm) {
    if (norm.writer) statistics[*norm.writer] = index;
  }
};

}  // namespace

Plan::Plan(const Network& network, const dnnl::engine& engine, const Kernels& kernels, const lc_shape& shape,
           std::uint32_t threads)
    : shape_(shape) {
  checkShape(shape, network.stride());
  const Uses uses(network);
  const auto& operations = network.operations();
  PlanBuilder builder{network, engine, kernels, shape_, arena_, {}, {}, uses.statistics};
  builder.statistics.resize(operations.size());
  for (std::uint32_t map = 0; map < network.maps().size(); ++map) {
    const Extent extent = builder.extentOf(map);
    const std::uint64_t values =
        std::uint64_t{shape.count} * extent.height * extent.width * network.maps()[map].channels;
    builder.maps.push_back(arena_.add(values * sizeof(float), uses.maps[map]));
  }
  for (std::uint32_t index = 0; index < operations.size(); ++index) {
    const auto& what = operations[index].what;
    if (const auto* pixels = std::get_if<PixelOperation>(&what)) {
      steps_.push_back(std::make_unique<PixelStep>(builder, index, *pixels));
    } else if (const auto* convolution = std::get_if<ConvolutionOperation>(&what)) {
      steps_.push_back(std::make_unique<ConvolutionStep>(builder, index, *convolution));
    } else {
      const auto& attention = std::get<AttentionOperation>(what);
      attentions_.push_back(std::make_unique<AttentionMemory>(builder, index, attention));
      steps_.push_back(std::make_unique<ProjectionStep>(builder, index, attention, *attentions_.back()));
      steps_.push_back(std::make_unique<AttentionStep>(builder, index, attention, *attentions_.back()));
    }
  }
  for (const auto& step : steps_) scratchBytes_ = std::max(scratchBytes_, step->scratchBytes());
  // Two threads never write to one line of the cache.
  scratchBytes_ = (scratchBytes_ + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
  scratchItem_ = arena_.add(scratchBytes_ * threads, {0, static_cast<std::uint32_t>(operations.size())});
  arena_.place();
}

void Plan::run(ThreadPool& pool, std::span<const dnnl::stream> streams, std::byte* arena,
               const std::uint8_t* pixels, float* moments) const {
  const Stage stage{arena_, arena, scratchItem_, scratchBytes_, pool, streams, pixels, moments};
  for (const auto& step : steps_) step->run(stage);
}

}  // namespace lc::onednn
