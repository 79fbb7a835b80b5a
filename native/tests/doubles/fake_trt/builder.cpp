// Turns a network into a plan: five steps of progress, then each tactic is timed in memory of the allocator.
#include <chrono>
#include <cstring>
#include <thread>

#include "fake_trt/network.h"
#include "fake_trt/timing_cache.h"

namespace fake {
namespace {

using namespace nvinfer1;

struct Profile final : IOptimizationProfile, apiv::StubVOptimizationProfile {
  Profile() { mImpl = this; }
  bool setDimensions(const char* name, OptProfileSelector which, const Dims& dims) noexcept override {
    if (std::strcmp(name, "pixels") != 0 || dims.nbDims != kInputRank) return false;
    copyDims(dims, which == OptProfileSelector::kMIN   ? minimum_
                   : which == OptProfileSelector::kOPT ? optimum_
                                                       : maximum_);
    return true;
  }
  std::int64_t minimum_[kInputRank] = {};
  std::int64_t optimum_[kInputRank] = {};
  std::int64_t maximum_[kInputRank] = {};
};

struct Config final : IBuilderConfig, apiv::StubVBuilderConfig, Counted {
  explicit Config(std::atomic<int>& siblings) : siblings_(siblings) {
    mImpl = this;
    ++siblings_;
    asked_.allows_tf32 = 1;
    asked_.aux_streams = -1;
  }
  ~Config() override { --siblings_; }
  void setFlag(BuilderFlag flag) noexcept override { set(flag, 1); }
  void clearFlag(BuilderFlag flag) noexcept override { set(flag, 0); }
  void set(BuilderFlag flag, std::int32_t value) {
    if (flag == BuilderFlag::kTF32) asked_.allows_tf32 = value;
  }
  void setPreviewFeature(PreviewFeature feature, bool on) noexcept override {
    if (feature == PreviewFeature::kRUNTIME_ACTIVATION_RESIZE_10_10) asked_.resizes_activations = on ? 1 : 0;
  }
  // bool since 11, void before
  using Answer = decltype(std::declval<apiv::VBuilderConfig&>().setMaxAuxStreams(0));
  Answer setMaxAuxStreams(std::int32_t count) noexcept override {
    asked_.aux_streams = count;
    return static_cast<Answer>(true);
  }
  void setBuilderOptimizationLevel(std::int32_t level) noexcept override {
    asked_.optimization_level = level;
  }
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes) noexcept override {
    if (pool == MemoryPoolType::kTACTIC_DRAM) asked_.tactic_memory = bytes;
    if (pool == MemoryPoolType::kWORKSPACE) asked_.workspace = bytes;
  }
  void setProfileStream(const cudaStream_t stream) noexcept override {
    asked_.has_profile_stream = stream != nullptr ? 1 : 0;
  }
  void setProgressMonitor(IProgressMonitor* monitor) noexcept override { monitor_ = monitor; }
  std::int32_t addOptimizationProfile(const IOptimizationProfile* profile) noexcept override {
    profile_ = static_cast<const Profile*>(profile);
    return 0;
  }
  ITimingCache* createTimingCache(const void* bytes, std::size_t size) const noexcept override {
    return size == 0 ? new TimingCache() : TimingCache::read({static_cast<const char*>(bytes), size});
  }
  bool setTimingCache(const ITimingCache& cache, bool ignoreMismatch) noexcept override {
    auto& given = const_cast<TimingCache&>(static_cast<const TimingCache&>(cache));
    if (given.isForeign_ && !ignoreMismatch) return false;
    timings_ = &given;
    timingsLife_ = given.life_;
    return true;
  }

  std::atomic<int>& siblings_;
  lc_fake_trt_build asked_{};
  IProgressMonitor* monitor_ = nullptr;
  const Profile* profile_ = nullptr;
  TimingCache* timings_ = nullptr;
  std::weak_ptr<int> timingsLife_;
};

struct Builder final : IBuilder, apiv::StubVBuilder, Counted {
  explicit Builder(ILogger& logger) : errors_(logger) { mImpl = this; }
  ~Builder() override {
    leave();
    expect(children_ == 0, "the builder goes before its network or configuration");
    expect(!usedTimings_ || !timingsLife_.expired(), "the timing cache goes before the builder that used it");
  }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override { errors_.setRecorder(recorder); }
  bool setMaxThreads(std::int32_t) noexcept override { return true; }
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept override {
#if NV_TENSORRT_MAJOR < 11
    isStronglyTyped_ = (flags >> static_cast<int>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED) & 1u) != 0;
#else
    static_cast<void>(flags);
#endif
    return new Network(children_);
  }
  IBuilderConfig* createBuilderConfig() noexcept override {
    return new Config(children_);
  }
  IOptimizationProfile* createOptimizationProfile() noexcept override {
    profiles_.push_back(std::make_unique<Profile>());
    return profiles_.back().get();
  }
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept override {
    IHostMemory* plan = nullptr;
    // callbacks come from a thread of the builder's own
    std::thread([&] { plan = build(static_cast<Network&>(network), static_cast<Config&>(config)); }).join();
    return plan;
  }

 private:
  IHostMemory* build(Network& network, Config& config) {
    expect(network.parsers_ == 1, "the parser goes before the build");
    usedTimings_ = config.timings_ != nullptr;
    timingsLife_ = config.timingsLife_;
    if (!steps(config.monitor_)) return nullptr;
    if (world().options.build_fails != 0) return refuse("no implementation was found");
    lc_fake_trt_build asked = config.asked_;
    asked.strongly_typed = isStronglyTyped_ ? 1 : 0;
    if (!timeTactics(network, config, asked.tactics_timed)) return refuse("no tactic fits");
    Plan plan = network.plan_;
    if (plan.isDynamic() && config.profile_ == nullptr) return refuse("a free side without a profile");
    plan.version = world().version();
    plan.resizesActivations = asked.resizes_activations;
    for (int i = 0; i < kInputRank; ++i) {
      plan.minimum[i] = plan.isDynamic() ? config.profile_->minimum_[i] : plan.input[i];
      plan.maximum[i] = plan.isDynamic() ? config.profile_->maximum_[i] : plan.input[i];
      asked.optimum[i] = plan.isDynamic() ? config.profile_->optimum_[i] : plan.input[i];
    }
    for (const auto& [name, weights] : network.weights_) {
      plan.weightBytes += weights.size();
      plan.weightsHash ^= hashOf(weights);
    }
    plan.checksum = plan.expectedChecksum();
    asked.weight_bytes = plan.weightBytes;
    world().lastBuild = asked;
    return new Memory(std::string(plan.bytes()));
  }

  static bool steps(IProgressMonitor* monitor) {
    constexpr std::int32_t kSteps = 5;
    if (monitor != nullptr) monitor->phaseStart("Building", nullptr, kSteps);
    bool goOn = true;
    for (std::int32_t step = 0; step < kSteps && goOn; ++step) {
      std::this_thread::sleep_for(std::chrono::milliseconds(world().options.build_ms));
      if (monitor != nullptr) goOn = monitor->stepComplete("Building", step);
    }
    if (monitor != nullptr) monitor->phaseFinish("Building");
    return goOn;
  }

  // One after the other, and those for which there is no memory are skipped. False: none is left.
  bool timeTactics(const Network& network, Config& config, std::int32_t& timed) const {
    const std::uint64_t graph = hashOf(network.model_);
    if (config.timings_ != nullptr && config.timings_->graphs_.contains(graph)) return true;
    for (const std::uint64_t bytes : {1u << 20, 1u << 16, 1u << 10}) {
      if (allocator_ == nullptr) break;
      void* scratch = allocator_->allocateAsync(bytes, 256, 0, nullptr);
      if (scratch == nullptr) continue;
      allocator_->deallocateAsync(scratch, nullptr);
      ++timed;
    }
    if (config.timings_ != nullptr && timed > 0) config.timings_->graphs_.insert(graph);
    return timed > 0;
  }

  IHostMemory* refuse(const char* reason) const {
    errors_.report(ErrorCode::kINVALID_CONFIG, reason);
    return nullptr;
  }

  Errors errors_;
  std::atomic<int> children_ = 0;
  bool isStronglyTyped_ = NV_TENSORRT_MAJOR >= 11;
  bool usedTimings_ = false;
  std::weak_ptr<int> timingsLife_;
  IGpuAllocator* allocator_ = nullptr;
  std::vector<std::unique_ptr<Profile>> profiles_;
};

}  // namespace
}  // namespace fake

extern "C" __attribute__((visibility("default"))) void* createInferBuilder_INTERNAL(void* logger,
                                                                                    std::int32_t) noexcept {
  auto& owner = *static_cast<nvinfer1::ILogger*>(logger);
  return static_cast<nvinfer1::IBuilder*>(new fake::Builder(owner));
}
