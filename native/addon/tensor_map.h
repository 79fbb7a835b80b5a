// The Map of an encoder's tensors.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lc::addon {

class TensorMap {
 public:
  // Each tensor that is found is added to `kept`.
  TensorMap(const Napi::Value& map, std::vector<Napi::Value>& kept);

  // Of exactly so many elements, or it throws ERR_ARGUMENT. Valid as long as what was kept.
  const float* find(const std::string& name, std::uint64_t elements);

 private:
  Napi::Object map_;
  Napi::Function get_;
  std::vector<Napi::Value>& kept_;
};

}  // namespace lc::addon
