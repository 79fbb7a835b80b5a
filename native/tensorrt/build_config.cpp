#include "tensorrt/build_config.h"

#include <algorithm>
#include <string>

#include "tensorrt/shape.h"

namespace lc::trt {
namespace {

std::uint64_t tensorBytes(const lc_build& build) {
  std::uint64_t bytes = 0;
  for (std::uint32_t index = 0; index < build.tensor_count; ++index) bytes += build.tensors[index].byte_count;
  return bytes;
}

// Fixed dimensions of the graph must be those that are asked for.
void requireFixedDims(const nvinfer1::Dims& input, const lc_shape& shape) {
  const nvinfer1::Dims dims = dimsOf(shape);
  for (std::int32_t axis = 0; axis < kInputRank; ++axis) {
    if (input.d[axis] >= 0 && input.d[axis] != dims.d[axis]) {
      throw Failure(LC_INVALID, "addOptimizationProfile",
                    "Dimension " + std::to_string(axis) + " of the graph's input is fixed at " +
                        std::to_string(input.d[axis]) + ", so the engine cannot take " +
                        rangeText(shape, shape));
    }
  }
}

}  // namespace

void applyOptions(nvinfer1::IBuilderConfig& config, Session& session, const lc_build& build) {
  using nvinfer1::MemoryPoolType;
  if (build.allow_tf32 == 0) config.clearFlag(nvinfer1::BuilderFlag::kTF32);
  config.setBuilderOptimizationLevel(build.optimization_level);
  config.setMaxAuxStreams(0);
  // Otherwise a small batch needs nearly the memory of the largest one.
  config.setPreviewFeature(nvinfer1::PreviewFeature::kRUNTIME_ACTIVATION_RESIZE_10_10, true);
  config.setProfileStream(session.stream().get());

  const std::uint64_t limit = std::min(build.memory_limit, session.gpu().freeBytes());
  const std::uint64_t weights = tensorBytes(build);
  config.setMemoryPoolLimit(MemoryPoolType::kTACTIC_DRAM, limit);
  // A cap on what one layer may use, not a reservation: a small one would lose the fastest implementations.
  config.setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, limit > weights ? limit - weights : 0);
}

Object<nvinfer1::ITimingCache> attachTimingCache(nvinfer1::IBuilderConfig& config, Session& session,
                                                 const lc_build& build) {
  if (build.timing_cache != nullptr) {
    auto cache =
        own(config.createTimingCache(build.timing_cache, build.timing_cache_byte_count), session.gpu());
    if (cache != nullptr && config.setTimingCache(*cache, false)) return cache;
  }
  session.begin();
  auto cache = own(config.createTimingCache(nullptr, 0), session.gpu());
  if (cache == nullptr || !config.setTimingCache(*cache, false)) {
    session.fail(LC_INTERNAL, "setTimingCache", "TensorRT has made no timing cache");
  }
  return cache;
}

void addProfile(nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config, Session& session,
                const nvinfer1::INetworkDefinition& network, const lc_build& build) {
  using nvinfer1::OptProfileSelector;
  const nvinfer1::Dims input = network.getInput(0)->getDimensions();
  for (const lc_shape& shape : {build.minimum, build.optimum, build.maximum}) requireFixedDims(input, shape);
  if (std::none_of(input.d, input.d + input.nbDims, [](std::int64_t size) { return size < 0; })) return;

  nvinfer1::IOptimizationProfile* profile = builder.createOptimizationProfile();
  if (profile == nullptr ||
      !profile->setDimensions(kInputName, OptProfileSelector::kMIN, dimsOf(build.minimum)) ||
      !profile->setDimensions(kInputName, OptProfileSelector::kOPT, dimsOf(build.optimum)) ||
      !profile->setDimensions(kInputName, OptProfileSelector::kMAX, dimsOf(build.maximum)) ||
      config.addOptimizationProfile(profile) < 0) {
    session.fail(LC_BUILD_FAILED, "addOptimizationProfile", "TensorRT refused the range of shapes");
  }
}

}  // namespace lc::trt
