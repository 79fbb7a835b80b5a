// Runs plans: runtime, engine, context.
#include <cstring>

#include "fake_trt/plan.h"
#include "fake_trt/run.h"
#include "fake_trt/world.h"
#include "stubs.h"

namespace fake {
namespace {

using namespace nvinfer1;

bool isInput(const char* name) {
  return std::strcmp(name, "pixels") == 0;
}

std::uint64_t activationsFor(const std::int64_t* sides) {
  return static_cast<std::uint64_t>(world().options.pixel_bytes * sides[0] * sides[1] * sides[2]);
}

// An error that an earlier call left would be taken for one of this call.
bool isClean() {
  const bool clean = cudaGetLastError() == cudaSuccess;
  expect(clean || isDeviceLost(), "a CUDA error is left from an earlier call");
  return clean;
}

struct Engine;

struct Context final : IExecutionContext, apiv::StubVExecutionContext, Counted {
  explicit Context(Engine& engine);
  ~Context() override;
  void setErrorRecorder(IErrorRecorder*) noexcept override {}
  bool setOptimizationProfileAsync(std::int32_t index, cudaStream_t) noexcept override { return index == 0; }
  bool setInputShape(const char* name, const Dims& dims) noexcept override;
  std::int32_t inferShapes(std::int32_t, const char**) noexcept override {
    return shape_.nbDims == kInputRank ? 0 : 1;
  }
  Dims getTensorShape(const char* name) const noexcept override;
  std::size_t updateDeviceMemorySizeForShapes() noexcept override;
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

  Engine& engine_;
  Dims shape_{};
  void* activations_ = nullptr;
  std::uint64_t activationBytes_ = 0;
  const void* input_ = nullptr;
  void* output_ = nullptr;
  bool hasFailed_ = false;
  const std::shared_ptr<std::atomic<int>> pending_ = std::make_shared<std::atomic<int>>(0);
};

struct Engine final : ICudaEngine, apiv::StubVCudaEngine, Counted {
  Engine(const Plan& plan, void* weights, IGpuAllocator* allocator, std::atomic<int>& siblings)
      : plan_(plan), weights_(weights), allocator_(allocator), siblings_(siblings) {
    mImpl = this;
    ++siblings_;
  }
  ~Engine() override {
    leave();
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
    return isInput(name) ? toDims(plan_.input, kInputRank) : toDims(plan_.output, plan_.outputRank);
  }
  std::int32_t getNbOptimizationProfiles() const noexcept override { return 1; }
  Dims getProfileShape(const char*, std::int32_t, OptProfileSelector which) const noexcept override {
    return toDims(which == OptProfileSelector::kMIN ? plan_.minimum : plan_.maximum, kInputRank);
  }
  std::int64_t getDeviceMemorySizeForProfileV2(std::int32_t) const noexcept override {
    return static_cast<std::int64_t>(activationsFor(plan_.maximum));
  }
  std::int64_t getDeviceMemorySizeV2() const noexcept override { return getDeviceMemorySizeForProfileV2(0); }
  IExecutionContext* createExecutionContext(ExecutionContextAllocationStrategy strategy) noexcept override {
    expect(strategy == ExecutionContextAllocationStrategy::kUSER_MANAGED,
           "a context that allocates by itself");
    return new Context(*this);
  }

  const Plan plan_;
  void* const weights_;
  IGpuAllocator* const allocator_;
  std::atomic<int>& siblings_;
  int contexts_ = 0;
};

Context::Context(Engine& engine) : engine_(engine) {
  mImpl = this;
  ++engine_.contexts_;
  if (!engine_.plan_.isDynamic()) shape_ = toDims(engine_.plan_.input, kInputRank);
}

Context::~Context() {
  leave();
  --engine_.contexts_;
}

bool Context::setInputShape(const char* name, const Dims& dims) noexcept {
  expect(!hasFailed_, "a context is used after it has failed");
  if (!isInput(name) || dims.nbDims != kInputRank) return false;
  for (int i = 0; i < kInputRank; ++i) {
    if (dims.d[i] < engine_.plan_.minimum[i] || dims.d[i] > engine_.plan_.maximum[i]) return false;
  }
  const bool isAnother = !std::equal(dims.d, dims.d + kInputRank, shape_.d);
  expect(!isAnother || *pending_ == 0, "another shape for a context with a run on the device");
  shape_ = dims;
  return true;
}

Dims Context::getTensorShape(const char* name) const noexcept {
  if (isInput(name)) return shape_;
  Dims dims = toDims(engine_.plan_.output, engine_.plan_.outputRank);
  dims.d[0] = shape_.d[0];
  for (std::int32_t i = 2; i < dims.nbDims; ++i) {
    if (dims.d[i] < 0) dims.d[i] = shape_.d[i - 1] / kStride;
  }
  return dims;
}

std::size_t Context::updateDeviceMemorySizeForShapes() noexcept {
  const Plan& plan = engine_.plan_;
  return activationsFor(plan.resizesActivations != 0 ? shape_.d : plan.maximum);
}

bool Context::enqueueV3(cudaStream_t stream) noexcept {
  expect(!hasFailed_, "a context is used after it has failed");
  const std::uint64_t needed = updateDeviceMemorySizeForShapes();
  const Run run{shape_,
                getTensorShape("moments"),
                static_cast<const unsigned char*>(input_),
                static_cast<float*>(output_),
                static_cast<unsigned char*>(activations_),
                needed,
                pending_};
  expect(activationBytes_ >= needed, "a block of activations that is too small");
  expect(isLive(run), "a run on memory that is not there");
  hasFailed_ = !isClean() || ++world().enqueues == world().options.enqueue_fails_at || !queue(run, stream);
  return !hasFailed_;
}

struct Runtime final : IRuntime, apiv::StubVRuntime, Counted {
  explicit Runtime(ILogger& logger) : errors_(logger) { mImpl = this; }
  ~Runtime() override {
    leave();
    expect(engines_ == 0, "the runtime goes before its engine");
  }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override { errors_.setRecorder(recorder); }
  ICudaEngine* deserializeCudaEngine(const void* bytes, std::size_t size) noexcept override {
    if (!isClean()) return refuse("a CUDA error");
    Plan plan;
    if (size != sizeof plan) return refuse("the plan is damaged");
    std::memcpy(&plan, bytes, size);
    if (plan.checksum != plan.expectedChecksum()) return refuse("the plan is damaged");
    if (plan.version != world().version()) return refuse("the plan is of another version");
    void* weights = nullptr;
    if (plan.weightBytes > 0) {
      weights = allocator_->allocateAsync(plan.weightBytes, 256, 0, nullptr);
      if (weights == nullptr) return refuse("OutOfMemory");
    }
    return new Engine(plan, weights, allocator_, engines_);
  }

 private:
  ICudaEngine* refuse(const char* reason) const {
    errors_.report(ErrorCode::kINVALID_ARGUMENT, reason);
    return nullptr;
  }

  Errors errors_;
  IGpuAllocator* allocator_ = nullptr;
  std::atomic<int> engines_ = 0;
};

}  // namespace
}  // namespace fake

extern "C" __attribute__((visibility("default"))) void* createInferRuntime_INTERNAL(void* logger,
                                                                                    std::int32_t) noexcept {
  auto& owner = *static_cast<nvinfer1::ILogger*>(logger);
  return static_cast<nvinfer1::IRuntime*>(new fake::Runtime(owner));
}
