#include "posterior_ops.h"

#include <posterior.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "errors.h"

namespace lc::addon {
namespace {

void checkLength(const Napi::Float32Array& array, const char* name, std::size_t expected) {
  if (array.ElementLength() == expected) return;
  throw makeError(array.Env(), "ERR_ARGUMENT",
                  "Expected " + std::to_string(expected) + " values for " + name + " but got " +
                      std::to_string(array.ElementLength()));
}

Napi::Value splitMoments(const Napi::CallbackInfo& info) {
  const Napi::Float32Array moments = floatsArgument(info, 0, "moments");
  const posterior::Clamp clamp = {static_cast<float>(numberArgument(info, 1, "minimum")),
                                  static_cast<float>(numberArgument(info, 2, "maximum"))};
  Napi::Float32Array mean = floatsArgument(info, 3, "mean");
  Napi::Float32Array logvar = floatsArgument(info, 4, "logvar");
  Napi::Uint8Array finite = bytesArgument(info, 5, "finite");

  if (!(clamp.minimum <= clamp.maximum)) {
    throw makeError(info.Env(), "ERR_ARGUMENT", "Expected a minimum that is not above the maximum");
  }
  const std::size_t total = moments.ElementLength() / 2;
  const std::size_t count = finite.ElementLength();
  const std::size_t length = count == 0 ? 0 : total / count;
  if (total != count * length) {
    throw makeError(info.Env(), "ERR_ARGUMENT",
                    "Expected rows of equal length for moments but got " +
                        std::to_string(moments.ElementLength()) + " values for " + std::to_string(count) +
                        " rows");
  }
  checkLength(moments, "moments", 2 * total);
  checkLength(mean, "mean", total);
  checkLength(logvar, "logvar", total);

  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t start = row * length;
    finite.Data()[row] = posterior::splitMoments(moments.Data() + 2 * start, length, clamp,
                                                 mean.Data() + start, logvar.Data() + start);
  }
  return info.Env().Undefined();
}

Napi::Value samplePosterior(const Napi::CallbackInfo& info) {
  const Napi::Float32Array mean = floatsArgument(info, 0, "mean");
  const Napi::Float32Array logvar = floatsArgument(info, 1, "logvar");
  const std::uint64_t seed = unsignedArgument(info, 2, "seed");
  Napi::Float32Array latent = floatsArgument(info, 3, "latent");

  const std::size_t count = mean.ElementLength();
  checkLength(logvar, "logvar", count);
  checkLength(latent, "latent", count);
  posterior::samplePosterior(mean.Data(), logvar.Data(), count, seed, latent.Data());
  return info.Env().Undefined();
}

}  // namespace

void registerPosteriorOps(Napi::Env env, Napi::Object exports) {
  exports.Set("splitMoments", Napi::Function::New(env, splitMoments, "splitMoments"));
  exports.Set("samplePosterior", Napi::Function::New(env, samplePosterior, "samplePosterior"));
}

}  // namespace lc::addon
