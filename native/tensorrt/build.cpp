#include "tensorrt/build.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "tensorrt/build_config.h"
#include "tensorrt/network.h"
#include "tensorrt/progress.h"
#include "tensorrt/session.h"
#include "tensorrt/shape.h"

namespace lc::trt {
namespace {

constexpr std::int32_t kMaximumLevel = 5;
// Each takes host memory of its own; more hardly help.
constexpr unsigned kMaximumThreads = 4;

void requireValid(const lc_build& build) {
  const bool isOrdered = build.minimum.count > 0 && build.minimum.height > 0 && build.minimum.width > 0 &&
                         isWithin(build.optimum, build.minimum, build.maximum);
  if (!isOrdered) {
    throw Failure(LC_INVALID, "build", "The shapes must be ordered: minimum, optimum, maximum, from 1 on");
  }
  if (build.graph == nullptr || build.graph_byte_count == 0) {
    throw Failure(LC_INVALID, "build", "The graph is empty");
  }
  if (build.optimization_level < 0 || build.optimization_level > kMaximumLevel) {
    throw Failure(LC_INVALID, "build", "The optimization level must be 0 to 5");
  }
  if (build.memory_limit == 0) throw Failure(LC_INVALID, "build", "The memory limit must be at least 1 byte");
}

Object<nvinfer1::IBuilder> makeBuilder(const Library& tensorrt, Session& session) {
  session.begin();
  auto builder = own(tensorrt.createBuilder(Logger::instance()), session.gpu());
  if (builder == nullptr) session.fail(LC_INTERNAL, "createInferBuilder", "TensorRT has made no builder");
  builder->setErrorRecorder(&session.recorder());
  builder->setGpuAllocator(&session.allocator());
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMaximumThreads);
  builder->setMaxThreads(static_cast<std::int32_t>(threads));
  return builder;
}

}  // namespace

void build(const Context& context, const lc_build& build) {
  requireValid(build);
  const Session::Pointer session = Session::open(
      context.cuda(), build.device, std::make_unique<FixedBudget>(build.memory_limit),
      [&build](std::int32_t level, const char* text) { build.on_log(build.self, level, text); });
  const Gpu& gpu = session->gpu();
  Progress progress(build);
  // TensorRT wants them destroyed in the reverse order.
  auto timingCache = own<nvinfer1::ITimingCache>(nullptr, gpu);
  const auto builder = makeBuilder(context.tensorrt(), *session);
  const ParsedNetwork parsed = parseNetwork(context.tensorrt(), *builder, *session, build);
  const auto config = own(builder->createBuilderConfig(), gpu);
  if (config == nullptr)
    session->fail(LC_INTERNAL, "createBuilderConfig", "TensorRT has made no configuration");
  applyOptions(*config, *session, build);
  addProfile(*builder, *config, *session, *parsed.network, build);
  timingCache = attachTimingCache(*config, *session, build);
  config->setProgressMonitor(&progress);

  session->begin();
  const auto plan = own(builder->buildSerializedNetwork(*parsed.network, *config), gpu);
  if (plan == nullptr) session->settle();
  gpu.requireAlive();
  if (progress.isCancelled())
    throw Failure(LC_CANCELLED, "buildSerializedNetwork", "The build was cancelled");
  if (plan == nullptr) {
    session->fail(LC_BUILD_FAILED, "buildSerializedNetwork", "TensorRT could not build the engine");
  }
  const auto learned = own(timingCache->serialize(), gpu);
  if (learned == nullptr)
    session->fail(LC_INTERNAL, "serialize", "TensorRT could not write its timing cache");
  build.on_plan(build.self, plan->data(), plan->size());
  build.on_timing_cache(build.self, learned->data(), learned->size());
}

}  // namespace lc::trt
