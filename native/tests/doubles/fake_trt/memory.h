#pragma once

#include <string>
#include <utility>

#include "fake_trt/world.h"
#include "stubs.h"

namespace fake {

struct Memory final : nvinfer1::IHostMemory, nvinfer1::apiv::StubVHostMemory, Counted {
  explicit Memory(std::string bytes) : bytes_(std::move(bytes)) { mImpl = this; }
  void* data() const noexcept override { return const_cast<char*>(bytes_.data()); }
  std::size_t size() const noexcept override { return bytes_.size(); }
  std::string bytes_;
};

}  // namespace fake
