#include "tensorrt/engine.h"

#include <algorithm>
#include <string>

#include "tensorrt/shape.h"

namespace lc::trt {
namespace {

// The only profile that our engines have.
constexpr std::int32_t kProfile = 0;

bool isTensor(const nvinfer1::ICudaEngine& engine, const char* name, nvinfer1::TensorIOMode mode,
              nvinfer1::DataType type) {
  return engine.getTensorIOMode(name) == mode && engine.getTensorDataType(name) == type;
}

bool isImageBatch(const nvinfer1::Dims& dims) {
  return dims.nbDims == kInputRank && dims.d[3] == kChannels;
}

}  // namespace

Engine::Engine(nvinfer1::IRuntime& runtime, Session& session, const void* plan, std::uint64_t byteCount)
    : session_(session),
      engine_(own<nvinfer1::ICudaEngine>(nullptr, session.gpu())),
      context_(own<nvinfer1::IExecutionContext>(nullptr, session.gpu())) {
  const std::uint64_t before = session_.allocator().usedBytes();
  session_.begin();
  engine_.reset(runtime.deserializeCudaEngine(plan, byteCount));
  if (engine_ == nullptr) {
    session_.fail(LC_ENGINE_INVALID, "deserializeCudaEngine", "The plan does not load on this device");
  }
  readTensors();
  context();
  weightBytes_ = session_.allocator().usedBytes() - before;
}

void Engine::readTensors() {
  using nvinfer1::OptProfileSelector;
  const nvinfer1::Dims dims = engine_->getTensorShape(kInputName);
  if (engine_->getNbIOTensors() != 2 || !isImageBatch(dims) ||
      !isTensor(*engine_, kInputName, nvinfer1::TensorIOMode::kINPUT, nvinfer1::DataType::kUINT8) ||
      !isTensor(*engine_, kOutputName, nvinfer1::TensorIOMode::kOUTPUT, nvinfer1::DataType::kFLOAT)) {
    throw Failure(
        LC_ENGINE_INVALID, "getTensorIOMode",
        "The plan is not one of an encoder: it must take uint8 pixels (count, height, width, 3) and give "
        "float32 moments");
  }
  isDynamic_ = std::any_of(dims.d, dims.d + kInputRank, [](std::int64_t size) { return size < 0; });
  const nvinfer1::Dims minimum =
      isDynamic_ ? engine_->getProfileShape(kInputName, kProfile, OptProfileSelector::kMIN) : dims;
  const nvinfer1::Dims maximum =
      isDynamic_ ? engine_->getProfileShape(kInputName, kProfile, OptProfileSelector::kMAX) : dims;
  if (!isImageBatch(minimum) || !isImageBatch(maximum)) {
    throw Failure(LC_ENGINE_INVALID, "getProfileShape", "The plan has no range of shapes for its input");
  }
  minimum_ = shapeOf(minimum);
  maximum_ = shapeOf(maximum);
}

nvinfer1::IExecutionContext& Engine::context() {
  if (context_ != nullptr) return *context_;
  session_.begin();
  context_.reset(
      engine_->createExecutionContext(nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED));
  if (context_ == nullptr) discardContext("createExecutionContext");
  if (isDynamic_ && !context_->setOptimizationProfileAsync(kProfile, session_.stream().get())) {
    discardContext("setOptimizationProfileAsync");
  }
  return *context_;
}

const lc_run_memory& Engine::memoryFor(const lc_shape& shape) {
  if (prepared_ && prepared_->shape == shape) return prepared_->memory;
  if (!isWithin(shape, minimum_, maximum_)) {
    throw Failure(LC_SHAPE, "setInputShape",
                  "The engine takes " + rangeText(minimum_, maximum_) + ", not " + rangeText(shape, shape));
  }
  if (prepared_) {
    // Nothing promises that a context takes another shape while a run of it is on the device.
    session_.stream().synchronize();
    session_.gpu().requireAlive();
  }
  prepared_.reset();
  setShape(shape);
  lc_run_memory memory{};
  memory.size = sizeof memory;
  memory.activation_bytes = activationBytes();
  memory.input_bytes = std::uint64_t{shape.count} * shape.height * shape.width * kChannels;
  memory.output_bytes = outputBytes(shape);
  return prepared_.emplace(Prepared{shape, memory}).memory;
}

void Engine::setShape(const lc_shape& shape) {
  nvinfer1::IExecutionContext& context = this->context();
  session_.begin();
  if (isDynamic_ && !context.setInputShape(kInputName, dimsOf(shape)))
    discardContext("setInputShape", LC_SHAPE);
  if (context.inferShapes(0, nullptr) != 0) discardContext("inferShapes", LC_SHAPE);
}

std::uint64_t Engine::activationBytes() {
  const std::uint64_t bytes = context_->updateDeviceMemorySizeForShapes();
  // 0 stands for an error, but is also the size of a network that needs none.
  if (bytes == 0 && engine_->getDeviceMemorySizeForProfileV2(kProfile) != 0) {
    discardContext("updateDeviceMemorySizeForShapes");
  }
  return bytes;
}

std::uint64_t Engine::outputBytes(const lc_shape& shape) {
  const nvinfer1::Dims dims = context_->getTensorShape(kOutputName);
  if (dims.nbDims < 1 || dims.d[0] != shape.count) {
    throw Failure(LC_ENGINE_INVALID, "getTensorShape",
                  "The plan does not give one row of moments for each image");
  }
  std::uint64_t bytes = sizeof(float);
  for (std::int32_t axis = 0; axis < dims.nbDims; ++axis) bytes *= static_cast<std::uint64_t>(dims.d[axis]);
  return bytes;
}

void Engine::prepare(const lc_run& run) {
  const lc_run_memory& memory = memoryFor(run.shape);
  if (run.activation_bytes < memory.activation_bytes) {
    throw Failure(LC_INVALID, "setDeviceMemoryV2",
                  "The run has " + std::to_string(run.activation_bytes) + " bytes for activations, not " +
                      std::to_string(memory.activation_bytes));
  }
  session_.begin();
  context_->setDeviceMemoryV2(run.activations, static_cast<std::int64_t>(run.activation_bytes));
  if (!context_->setInputTensorAddress(kInputName, run.device_input)) discardContext("setInputTensorAddress");
  if (!context_->setOutputTensorAddress(kOutputName, run.device_output)) {
    discardContext("setOutputTensorAddress");
  }
}

void Engine::enqueue() {
  if (!context_->enqueueV3(session_.stream().get())) discardContext("enqueueV3");
}

// Nothing promises that a context is of use after it has failed.
void Engine::discardContext(const char* operation, lc_code code) {
  session_.settle();
  prepared_.reset();
  context_.reset();
  session_.fail(code, operation, "TensorRT could not run the network");
}

}  // namespace lc::trt
