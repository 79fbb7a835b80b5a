// A network that the fake parser fills and the fake builder reads.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fake_trt/plan.h"
#include "fake_trt/world.h"
#include "stubs.h"

namespace fake {

struct Tensor final : nvinfer1::ITensor, nvinfer1::apiv::StubVTensor {
  Tensor(std::string name, nvinfer1::DataType type) : name_(std::move(name)), type_(type) { mImpl = this; }
  const char* getName() const noexcept override { return name_.c_str(); }
  nvinfer1::DataType getType() const noexcept override { return type_; }
  nvinfer1::Dims getDimensions() const noexcept override { return dims_; }
  std::string name_;
  nvinfer1::DataType type_;
  nvinfer1::Dims dims_{};
};

struct Network final : nvinfer1::INetworkDefinition, nvinfer1::apiv::StubVNetworkDefinition, Counted {
  explicit Network(std::atomic<int>& siblings) : siblings_(siblings) {
    mImpl = this;
    ++siblings_;
  }
  ~Network() override { --siblings_; }
  std::int32_t getNbInputs() const noexcept override { return isParsed_ ? 1 : 0; }
  nvinfer1::ITensor* getInput(std::int32_t) const noexcept override { return const_cast<Tensor*>(&input_); }
  std::int32_t getNbOutputs() const noexcept override { return isParsed_ ? 1 : 0; }
  nvinfer1::ITensor* getOutput(std::int32_t) const noexcept override { return const_cast<Tensor*>(&output_); }

  std::atomic<int>& siblings_;
  // The parser owns what it has read; the weights are still the caller's.
  int parsers_ = 0;
  bool isParsed_ = false;
  Tensor input_{"pixels", nvinfer1::DataType::kUINT8};
  Tensor output_{"moments", nvinfer1::DataType::kFLOAT};
  std::string model_;
  std::map<std::string, std::string_view> weights_;
  Plan plan_;
};

}  // namespace fake
