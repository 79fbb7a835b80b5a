// See fake_tensorrt.h. One source for libnvinfer and libnvonnxparser of every major; compiled with its
// headers, it is what the plug-in sees behind them. A network's "moments" are, for channel c of the output at
// (y, x), the pixel's channel c % 3 at (8y, 8x), plus c; for a row without sides, 1 to K.
#include "fake_tensorrt.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fake_cuda.h"
#include "settings.h"
#include "stubs.h"

[[noreturn]] void stubCalled(const char* name) {
  std::fprintf(stderr, "the fake TensorRT has no %s\n", name);
  std::abort();
}

namespace {

using namespace nvinfer1;

struct World {
  lc_fake_trt_options options{};
  std::atomic<std::int64_t> objects = 0;
  std::atomic<std::int64_t> misuse = 0;
  std::atomic<std::int32_t> enqueues = 0;
  std::mutex mutex;
  std::set<void*> activationsInUse;

  World() {
    const Settings settings("LC_FAKE_TRT");
    options.version = settings.get("version", 0);
    options.parser_fails = settings.get("parser_fails", 0);
    options.build_fails = settings.get("build_fails", 0);
    options.build_ms = settings.get("build_ms", 0);
    options.run_us = settings.get("run_us", 1000);
    options.enqueue_fails_at = settings.get("enqueue_fails_at", 0);
  }
};

World& world() {
  static World* const instance = new World();
  return *instance;
}

void expect(bool holds, const char* rule) {
  if (holds) return;
  ++world().misuse;
  std::fprintf(stderr, "fake TensorRT: %s\n", rule);
}

struct Counted {
  Counted() { ++world().objects; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --world().objects; }
};

// A plan is this struct. -1 stands for a free side, in `output` for one that follows the input.
struct Plan {
  char magic[8] = {'F', 'A', 'K', 'E', 'P', 'L', 'A', 'N'};
  std::int32_t version = NV_TENSORRT_VERSION;
  std::int32_t outputRank = 0;
  std::int64_t input[4] = {};
  std::int64_t output[4] = {};
  std::int64_t minimum[4] = {};
  std::int64_t maximum[4] = {};
  std::uint64_t weightBytes = 0;
};

constexpr std::uint64_t kActivationBytesPerPixel = 16;
constexpr std::int64_t kStride = 8;

Dims toDims(const std::int64_t* sides, std::int32_t rank) {
  Dims dims{};
  dims.nbDims = rank;
  std::copy(sides, sides + rank, dims.d);
  return dims;
}

void copyDims(const Dims& dims, std::int64_t* sides) {
  std::copy(dims.d, dims.d + dims.nbDims, sides);
}

// The sides of a graph's input or output, read off the bytes of its ValueInfoProto.
bool readSides(const std::string& model, const std::string& name, std::int64_t* sides, std::int32_t& rank) {
  const std::string start = "\x0a" + std::string(1, static_cast<char>(name.size())) + name + "\x12";
  std::size_t at = model.rfind(start);
  if (at == std::string::npos) return false;
  const auto byte = [&](std::size_t i) {
    return i < model.size() ? static_cast<unsigned char>(model[i]) : 0u;
  };
  // name, type { tensor_type { elem_type, shape {
  at += start.size() + 1;  // its length is below 128
  if (byte(at) != 0x0a || byte(at + 2) != 0x08 || byte(at + 4) != 0x12) return false;
  const std::size_t end = at + 6 + byte(at + 5);
  for (at += 6, rank = 0; at < end && rank < 4; ++rank) {
    const std::size_t next = at + 2 + byte(at + 1);
    sides[rank] = -1;
    if (byte(at + 2) == 0x08) {
      std::int64_t value = 0;
      for (std::size_t i = at + 3, shift = 0; i < next; ++i, shift += 7)
        value |= std::int64_t{byte(i) & 0x7f} << shift;
      sides[rank] = value;
    }
    at = next;
  }
  return true;
}

struct FakeMemory final : IHostMemory, apiv::StubVHostMemory, Counted {
  explicit FakeMemory(std::string bytes) : bytes_(std::move(bytes)) { mImpl = this; }
  void* data() const noexcept override { return const_cast<char*>(bytes_.data()); }
  std::size_t size() const noexcept override { return bytes_.size(); }
  std::string bytes_;
};

struct FakeTensor final : ITensor, apiv::StubVTensor {
  FakeTensor(std::string name, DataType type) : name_(std::move(name)), type_(type) { mImpl = this; }
  const char* getName() const noexcept override { return name_.c_str(); }
  DataType getType() const noexcept override { return type_; }
  Dims getDimensions() const noexcept override { return dims_; }
  std::string name_;
  DataType type_;
  Dims dims_{};
};

struct FakeNetwork final : INetworkDefinition, apiv::StubVNetworkDefinition, Counted {
  explicit FakeNetwork(std::atomic<int>& children) : children_(children) {
    mImpl = this;
    ++children_;
  }
  ~FakeNetwork() override { --children_; }
  std::int32_t getNbInputs() const noexcept override { return parsed_ ? 1 : 0; }
  ITensor* getInput(std::int32_t) const noexcept override { return const_cast<FakeTensor*>(&input_); }
  std::int32_t getNbOutputs() const noexcept override { return parsed_ ? 1 : 0; }
  ITensor* getOutput(std::int32_t) const noexcept override { return const_cast<FakeTensor*>(&output_); }
  std::atomic<int>& children_;
  bool parsed_ = false;
  FakeTensor input_{"pixels", DataType::kUINT8};
  FakeTensor output_{"moments", DataType::kFLOAT};
  Plan plan_;
};

struct FakeProfile final : IOptimizationProfile, apiv::StubVOptimizationProfile {
  FakeProfile() { mImpl = this; }
  bool setDimensions(const char* name, OptProfileSelector which, const Dims& dims) noexcept override {
    if (std::strcmp(name, "pixels") != 0 || dims.nbDims != 4) return false;
    if (which == OptProfileSelector::kMIN) copyDims(dims, minimum_);
    if (which == OptProfileSelector::kMAX) copyDims(dims, maximum_);
    return true;
  }
  std::int64_t minimum_[4] = {};
  std::int64_t maximum_[4] = {};
};

struct FakeTimingCache final : ITimingCache, apiv::StubVTimingCache, Counted {
  FakeTimingCache() { mImpl = this; }
  IHostMemory* serialize() const noexcept override { return new FakeMemory("FAKETIMINGS"); }
};

struct FakeConfig final : IBuilderConfig, apiv::StubVBuilderConfig, Counted {
  explicit FakeConfig(std::atomic<int>& children) : children_(children) {
    mImpl = this;
    ++children_;
  }
  ~FakeConfig() override { --children_; }
  void setFlag(BuilderFlag) noexcept override {}
  void clearFlag(BuilderFlag) noexcept override {}
  void setPreviewFeature(PreviewFeature, bool) noexcept override {}
  // bool since 11, void before
  using Answer = decltype(std::declval<apiv::VBuilderConfig&>().setMaxAuxStreams(0));
  Answer setMaxAuxStreams(std::int32_t) noexcept override { return static_cast<Answer>(true); }
  void setBuilderOptimizationLevel(std::int32_t) noexcept override {}
  void setMemoryPoolLimit(MemoryPoolType, std::size_t) noexcept override {}
  void setProfileStream(const cudaStream_t) noexcept override {}
  void setProgressMonitor(IProgressMonitor* monitor) noexcept override { monitor_ = monitor; }
  std::int32_t addOptimizationProfile(const IOptimizationProfile* profile) noexcept override {
    profile_ = static_cast<const FakeProfile*>(profile);
    return 0;
  }
  ITimingCache* createTimingCache(const void* bytes, std::size_t size) const noexcept override {
    if (size > 0 && std::string(static_cast<const char*>(bytes), size) != "FAKETIMINGS") return nullptr;
    return new FakeTimingCache();
  }
  bool setTimingCache(const ITimingCache&, bool) noexcept override { return true; }
  std::atomic<int>& children_;
  IProgressMonitor* monitor_ = nullptr;
  const FakeProfile* profile_ = nullptr;
};

struct FakeBuilder final : IBuilder, apiv::StubVBuilder, Counted {
  explicit FakeBuilder(ILogger& logger) : logger_(logger) { mImpl = this; }
  ~FakeBuilder() override { expect(children_ == 0, "the builder goes before its network or configuration"); }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    if (recorder_ != nullptr) recorder_->decRefCount();
    recorder_ = recorder;
    if (recorder_ != nullptr) recorder_->incRefCount();
  }
  bool setMaxThreads(std::int32_t) noexcept override { return true; }
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags) noexcept override {
    return new FakeNetwork(children_);
  }
  IBuilderConfig* createBuilderConfig() noexcept override { return new FakeConfig(children_); }
  IOptimizationProfile* createOptimizationProfile() noexcept override {
    profiles_.push_back(std::make_unique<FakeProfile>());
    return profiles_.back().get();
  }
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept override {
    IHostMemory* plan = nullptr;
    // callbacks come from a thread of the builder's own
    std::thread([&] {
      plan = build(static_cast<FakeNetwork&>(network), static_cast<FakeConfig&>(config));
    }).join();
    return plan;
  }

  IHostMemory* build(FakeNetwork& network, FakeConfig& config) {
    const bool finished = steps(config.monitor_);
    if (!finished) return nullptr;
    if (world().options.build_fails != 0) {
      logger_.log(ILogger::Severity::kERROR, "no implementation was found");
      return nullptr;
    }
    // One tactic after the other is timed; those for which there is no memory are skipped.
    bool timed = allocator_ == nullptr;
    for (const std::uint64_t bytes : {1u << 20, 1u << 16, 1u << 10}) {
      if (allocator_ == nullptr) break;
      void* scratch = allocator_->allocateAsync(bytes, 256, 0, nullptr);
      timed = timed || scratch != nullptr;
      if (scratch != nullptr) allocator_->deallocateAsync(scratch, nullptr);
    }
    if (!timed) {
      logger_.log(ILogger::Severity::kERROR, "no tactic fits");
      return nullptr;
    }
    Plan plan = network.plan_;
    const bool isDynamic = std::any_of(plan.input, plan.input + 4, [](auto side) { return side < 0; });
    if (isDynamic && config.profile_ == nullptr) {
      logger_.log(ILogger::Severity::kERROR, "a free side without a profile");
      return nullptr;
    }
    for (int i = 0; i < 4; ++i) {
      plan.minimum[i] = isDynamic ? config.profile_->minimum_[i] : plan.input[i];
      plan.maximum[i] = isDynamic ? config.profile_->maximum_[i] : plan.input[i];
    }
    return new FakeMemory(std::string(reinterpret_cast<const char*>(&plan), sizeof plan));
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

  ILogger& logger_;
  std::atomic<int> children_ = 0;
  IGpuAllocator* allocator_ = nullptr;
  IErrorRecorder* recorder_ = nullptr;
  std::vector<std::unique_ptr<FakeProfile>> profiles_;
};

struct FakeParserError final : nvonnxparser::StubIParserError {
  using ErrorCode = nvonnxparser::ErrorCode;
  ErrorCode code() const override { return ErrorCode::kUNSUPPORTED_GRAPH; }
  const char* desc() const override { return "an operator that is not there"; }
  int node() const override { return 0; }
  const char* nodeName() const override { return "first"; }
  const char* nodeOperator() const override { return "Made"; }
};

struct FakeParser final : nvonnxparser::StubIParser, Counted {
  explicit FakeParser(FakeNetwork& network) : network_(network) {}
  bool loadModelProto(const void* bytes, std::size_t size, const char*) noexcept override {
    model_.assign(static_cast<const char*>(bytes), size);
    return !refused();
  }
  bool loadInitializer(const char* name, const void* data, std::size_t size) noexcept override {
    expect(!model_.empty(), "weights before the model");
    volatile unsigned char sum = 0;
    for (std::size_t i = 0; i < size; ++i)
      sum = static_cast<unsigned char>(sum + static_cast<const unsigned char*>(data)[i]);
    network_.plan_.weightBytes += size;
    return !refused() && name != nullptr;
  }
  bool parseModelProto() noexcept override {
    Plan& plan = network_.plan_;
    std::int32_t rank = 0;
    if (refused() || !readSides(model_, "pixels", plan.input, rank) || rank != 4) return false;
    if (!readSides(model_, "moments", plan.output, plan.outputRank)) return false;
    network_.input_.dims_ = toDims(plan.input, 4);
    network_.output_.dims_ = toDims(plan.output, plan.outputRank);
    network_.parsed_ = true;
    return true;
  }
  int getNbErrors() const noexcept override { return refused() ? 1 : 0; }
  const nvonnxparser::IParserError* getError(int) const noexcept override { return &error_; }

  static bool refused() { return world().options.parser_fails != 0; }
  FakeNetwork& network_;
  FakeParserError error_;
  std::string model_;
};

struct FakeEngine;

struct FakeContext final : IExecutionContext, apiv::StubVExecutionContext, Counted {
  explicit FakeContext(FakeEngine& engine);
  ~FakeContext() override;
  void setErrorRecorder(IErrorRecorder*) noexcept override {}
  bool setOptimizationProfileAsync(std::int32_t index, cudaStream_t) noexcept override { return index == 0; }
  bool setInputShape(const char* name, const Dims& dims) noexcept override;
  std::int32_t inferShapes(std::int32_t, const char**) noexcept override {
    return shape_.nbDims == 4 ? 0 : 1;
  }
  Dims getTensorShape(const char* name) const noexcept override;
  std::size_t updateDeviceMemorySizeForShapes() noexcept override { return needed(); }
  void setDeviceMemoryV2(void* memory, std::int64_t size) noexcept override {
    activations_ = memory;
    activationBytes_ = static_cast<std::uint64_t>(size);
  }
  bool setInputTensorAddress(const char*, const void* address) noexcept override {
    input_ = address;
    return true;
  }
  bool setOutputTensorAddress(const char*, void* address) noexcept override {
    output_ = address;
    return true;
  }
  bool enqueueV3(cudaStream_t stream) noexcept override;

  std::uint64_t needed() const {
    return kActivationBytesPerPixel * static_cast<std::uint64_t>(shape_.d[0] * shape_.d[1] * shape_.d[2]);
  }

  FakeEngine& engine_;
  Dims shape_{};
  void* activations_ = nullptr;
  std::uint64_t activationBytes_ = 0;
  const void* input_ = nullptr;
  void* output_ = nullptr;
};

struct FakeEngine final : ICudaEngine, apiv::StubVCudaEngine, Counted {
  FakeEngine(const Plan& plan, void* weights, IGpuAllocator* allocator, std::atomic<int>& siblings)
      : plan_(plan), weights_(weights), allocator_(allocator), siblings_(siblings) {
    mImpl = this;
    ++siblings_;
  }
  ~FakeEngine() override {
    expect(contexts_ == 0, "the engine goes before its context");
    if (weights_ != nullptr) allocator_->deallocateAsync(weights_, nullptr);
    --siblings_;
  }
  void setErrorRecorder(IErrorRecorder*) noexcept override {}
  std::int32_t getNbIOTensors() const noexcept override { return 2; }
  const char* getIOTensorName(std::int32_t index) const noexcept override {
    return index == 0 ? "pixels" : "moments";
  }
  TensorIOMode getTensorIOMode(const char* name) const noexcept override {
    return isInput(name)                       ? TensorIOMode::kINPUT
           : std::strcmp(name, "moments") == 0 ? TensorIOMode::kOUTPUT
                                               : TensorIOMode::kNONE;
  }
  DataType getTensorDataType(const char* name) const noexcept override {
    return isInput(name) ? DataType::kUINT8 : DataType::kFLOAT;
  }
  Dims getTensorShape(const char* name) const noexcept override {
    return isInput(name) ? toDims(plan_.input, 4) : toDims(plan_.output, plan_.outputRank);
  }
  std::int32_t getNbOptimizationProfiles() const noexcept override { return 1; }
  Dims getProfileShape(const char*, std::int32_t, OptProfileSelector which) const noexcept override {
    return toDims(which == OptProfileSelector::kMIN ? plan_.minimum : plan_.maximum, 4);
  }
  std::int64_t getDeviceMemorySizeForProfileV2(std::int32_t) const noexcept override {
    return static_cast<std::int64_t>(kActivationBytesPerPixel) * plan_.maximum[0] * plan_.maximum[1] *
           plan_.maximum[2];
  }
  std::int64_t getDeviceMemorySizeV2() const noexcept override { return getDeviceMemorySizeForProfileV2(0); }
  IExecutionContext* createExecutionContext(ExecutionContextAllocationStrategy strategy) noexcept override {
    expect(strategy == ExecutionContextAllocationStrategy::kUSER_MANAGED,
           "a context that allocates by itself");
    return new FakeContext(*this);
  }

  static bool isInput(const char* name) { return std::strcmp(name, "pixels") == 0; }
  const Plan plan_;
  void* const weights_;
  IGpuAllocator* const allocator_;
  std::atomic<int>& siblings_;
  int contexts_ = 0;
};

FakeContext::FakeContext(FakeEngine& engine) : engine_(engine) {
  mImpl = this;
  ++engine_.contexts_;
  if (std::all_of(engine_.plan_.input, engine_.plan_.input + 4, [](auto side) { return side > 0; })) {
    shape_ = toDims(engine_.plan_.input, 4);
  }
}

FakeContext::~FakeContext() {
  --engine_.contexts_;
}

bool FakeContext::setInputShape(const char* name, const Dims& dims) noexcept {
  if (!FakeEngine::isInput(name) || dims.nbDims != 4) return false;
  for (int i = 0; i < 4; ++i) {
    if (dims.d[i] < engine_.plan_.minimum[i] || dims.d[i] > engine_.plan_.maximum[i]) return false;
  }
  shape_ = dims;
  return true;
}

Dims FakeContext::getTensorShape(const char* name) const noexcept {
  if (FakeEngine::isInput(name)) return shape_;
  Dims dims = toDims(engine_.plan_.output, engine_.plan_.outputRank);
  dims.d[0] = shape_.d[0];
  for (std::int32_t i = 2; i < dims.nbDims; ++i) {
    if (dims.d[i] < 0) dims.d[i] = shape_.d[i - 1] / kStride;
  }
  return dims;
}

// One run, on the stream's thread.
struct Kernel {
  Dims input;
  Dims output;
  const unsigned char* pixels;
  float* moments;
  unsigned char* activations;
  std::uint64_t activationBytes;

  static void run(void* self) {
    const std::unique_ptr<Kernel> kernel(static_cast<Kernel*>(self));
    kernel->compute();
  }

  void compute() {
    if (lc_fake_cuda_is_live(activations, activationBytes) == 0) {
      expect(false, "activations that are not there");
      return;
    }
    {
      const std::lock_guard lock(world().mutex);
      expect(world().activationsInUse.insert(activations).second, "two runs on one block of activations");
    }
    std::memset(activations, 0x5A, activationBytes);
    std::this_thread::sleep_for(std::chrono::microseconds(world().options.run_us));
    write();
    const std::lock_guard lock(world().mutex);
    world().activationsInUse.erase(activations);
  }

  void write() const {
    const std::int64_t row = output.nbDims < 4 ? output.d[1] : output.d[1] * output.d[2] * output.d[3];
    for (std::int64_t n = 0; n < output.d[0]; ++n) {
      for (std::int64_t i = 0; i < row; ++i) moments[n * row + i] = value(n, i);
    }
  }

  float value(std::int64_t n, std::int64_t i) const {
    if (output.nbDims < 4) return static_cast<float>(i + 1);
    const std::int64_t c = i / (output.d[2] * output.d[3]);
    const std::int64_t y = i / output.d[3] % output.d[2];
    const std::int64_t x = i % output.d[3];
    const std::int64_t pixel = (n * input.d[1] + y * kStride) * input.d[2] + x * kStride;
    return static_cast<float>(pixels[pixel * 3 + c % 3]) + static_cast<float>(c);
  }
};

bool FakeContext::enqueueV3(cudaStream_t stream) noexcept {
  const Dims output = getTensorShape("moments");
  std::uint64_t outputBytes = sizeof(float);
  for (std::int32_t i = 0; i < output.nbDims; ++i) outputBytes *= static_cast<std::uint64_t>(output.d[i]);
  const auto inputBytes = static_cast<std::uint64_t>(shape_.d[0] * shape_.d[1] * shape_.d[2] * 3);
  expect(activationBytes_ >= needed(), "a block of activations that is too small");
  expect(lc_fake_cuda_is_live(input_, inputBytes) != 0, "an input that is not there");
  expect(lc_fake_cuda_is_live(output_, outputBytes) != 0, "an output that is not there");
  if (++world().enqueues == world().options.enqueue_fails_at) return false;
  auto kernel = std::make_unique<Kernel>(Kernel{shape_, output, static_cast<const unsigned char*>(input_),
                                                static_cast<float*>(output_),
                                                static_cast<unsigned char*>(activations_), needed()});
  if (lc_fake_cuda_launch(stream, Kernel::run, kernel.get()) != 0) return false;
  kernel.release();
  return true;
}

struct FakeRuntime final : IRuntime, apiv::StubVRuntime, Counted {
  explicit FakeRuntime(ILogger& logger) : logger_(logger) { mImpl = this; }
  ~FakeRuntime() override {
    expect(engines_ == 0, "the runtime goes before its engine");
    if (recorder_ != nullptr) recorder_->decRefCount();
  }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    if (recorder_ != nullptr) recorder_->decRefCount();
    recorder_ = recorder;
    if (recorder_ != nullptr) recorder_->incRefCount();
  }
  ICudaEngine* deserializeCudaEngine(const void* bytes, std::size_t size) noexcept override {
    Plan plan;
    const char* const magic = "FAKEPLAN";
    if (size != sizeof plan || std::memcmp(bytes, magic, 8) != 0) return refuse("the plan is damaged");
    std::memcpy(&plan, bytes, size);
    if (plan.version != NV_TENSORRT_VERSION) return refuse("the plan is of another version");
    void* weights = nullptr;
    if (plan.weightBytes > 0) {
      weights = allocator_->allocateAsync(plan.weightBytes, 256, 0, nullptr);
      if (weights == nullptr) return refuse("OutOfMemory");
    }
    return new FakeEngine(plan, weights, allocator_, engines_);
  }
  ICudaEngine* refuse(const char* reason) {
    logger_.log(ILogger::Severity::kERROR, reason);
    return nullptr;
  }

  ILogger& logger_;
  IGpuAllocator* allocator_ = nullptr;
  IErrorRecorder* recorder_ = nullptr;
  std::atomic<int> engines_ = 0;
};

}  // namespace

#define LC_EXPORT extern "C" __attribute__((visibility("default")))

LC_EXPORT void lc_fake_trt_reset(const lc_fake_trt_options* options) {
  World& w = world();
  w.options = *options;
  w.objects = 0;
  w.misuse = 0;
  w.enqueues = 0;
  w.activationsInUse.clear();
}

LC_EXPORT void lc_fake_trt_query(std::int64_t* objects, std::int64_t* misuse) {
  *objects = world().objects;
  *misuse = world().misuse;
}

LC_EXPORT std::int32_t getInferLibVersion() noexcept {
  return world().options.version != 0 ? world().options.version : NV_TENSORRT_VERSION;
}

LC_EXPORT void* createInferRuntime_INTERNAL(void* logger, std::int32_t) noexcept {
  return static_cast<IRuntime*>(new FakeRuntime(*static_cast<ILogger*>(logger)));
}

LC_EXPORT void* createInferBuilder_INTERNAL(void* logger, std::int32_t) noexcept {
  return static_cast<IBuilder*>(new FakeBuilder(*static_cast<ILogger*>(logger)));
}

// libnvonnxparser passes on to here, so that both have the same settings and counts.
LC_EXPORT void* lc_fake_trt_create_parser(void* network) noexcept {
  auto& definition = *static_cast<INetworkDefinition*>(network);
  return static_cast<nvonnxparser::IParser*>(new FakeParser(static_cast<FakeNetwork&>(definition)));
}
