#include "tensor_map.h"

#include "errors.h"

namespace lc::addon {

TensorMap::TensorMap(const Napi::Value& map, std::vector<Napi::Value>& kept)
    : map_(objectOf(map, "tensors")), kept_(kept) {
  const Napi::Value get = map_.Get("get");
  if (!get.IsFunction()) reject(map.Env(), "tensors", "a Map", describe(map));
  get_ = get.As<Napi::Function>();
}

const float* TensorMap::find(const std::string& name, std::uint64_t elements) {
  const Napi::Env env = map_.Env();
  const std::string described = "the tensor " + name;
  Napi::Float32Array values = floatsOf(get_.Call(map_, {Napi::String::New(env, name)}), described.c_str());
  if (values.ElementLength() != elements) {
    reject(env, described.c_str(), std::to_string(elements) + " elements",
           std::to_string(values.ElementLength()));
  }
  kept_.push_back(values);
  return values.Data();
}

}  // namespace lc::addon
