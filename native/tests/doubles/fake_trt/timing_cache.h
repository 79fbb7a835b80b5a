// "FAKETIMINGS", the key of the device, and the hash of each graph whose tactics were timed.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "fake_trt/memory.h"

namespace fake {

constexpr std::string_view kTimingsMagic = "FAKETIMINGS";
constexpr std::string_view kTimingsDevice = "simulated";

struct TimingCache final : nvinfer1::ITimingCache, nvinfer1::apiv::StubVTimingCache, Counted {
  TimingCache() { mImpl = this; }

  // nullptr for bytes that are no cache at all; whether it fits the device is setTimingCache's question.
  static TimingCache* read(std::string_view bytes) {
    if (!bytes.starts_with(kTimingsMagic)) return nullptr;
    auto cache = std::make_unique<TimingCache>();
    bytes.remove_prefix(kTimingsMagic.size());
    cache->isForeign_ = !bytes.starts_with(kTimingsDevice);
    if (cache->isForeign_) return cache.release();
    bytes.remove_prefix(kTimingsDevice.size());
    for (std::uint64_t hash = 0; bytes.size() >= sizeof hash; bytes.remove_prefix(sizeof hash)) {
      std::memcpy(&hash, bytes.data(), sizeof hash);
      cache->graphs_.insert(hash);
    }
    return cache.release();
  }

  nvinfer1::IHostMemory* serialize() const noexcept override {
    std::string bytes = std::string(kTimingsMagic).append(kTimingsDevice);
    for (const std::uint64_t hash : graphs_) bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    return new Memory(std::move(bytes));
  }

  bool isForeign_ = false;
  std::set<std::uint64_t> graphs_;
  // Expires with the cache.
  std::shared_ptr<int> life_ = std::make_shared<int>();
};

}  // namespace fake
