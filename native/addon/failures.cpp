#include "failures.h"

#include <cuda/backend_code.h>
#include <files.h>
#include <nvml/library.h>

#include <array>
#include <exception>
#include <new>

namespace lc::addon {
namespace {

// A code of the layers below, and how JS names it; a remedy only where the user can do something.
struct Meaning {
  lc_code code;
  const char* name;
  const char* remedy = "";
};

constexpr std::array kMeanings = {
    Meaning{LC_INVALID, "ERR_ARGUMENT"},
    Meaning{LC_CUDA_MISSING, "ERR_CUDA_MISSING",
            "Install the runtime library of CUDA 13 or 12 (libcudart), or name the folder that holds it."},
    Meaning{
        LC_CUDA_DRIVER, "ERR_CUDA_DRIVER",
        "Install an NVIDIA driver that is new enough for the CUDA runtime library; nvidia-smi shows which "
        "CUDA version a driver serves."},
    Meaning{
        LC_NO_DEVICE, "ERR_NO_DEVICE",
        "Choose a device that is there; CUDA_VISIBLE_DEVICES may hide some, and a container must be started "
        "with access to them."},
    Meaning{LC_LIBRARY_MISSING, "ERR_TENSORRT_MISSING",
            "Install the libraries of TensorRT (libnvinfer, libnvonnxparser), or name the folder that holds "
            "them."},
    Meaning{LC_LIBRARY_TOO_OLD, "ERR_TENSORRT_TOO_OLD",
            "Install a newer TensorRT of the same major version."},
    Meaning{
        LC_LIBRARY_MAJOR, "ERR_TENSORRT_MAJOR",
        "Install the major version of TensorRT that the message asks for, or name the folder that holds it."},
    Meaning{
        LC_OUT_OF_MEMORY, "ERR_DEVICE_OUT_OF_MEMORY",
        "Encode fewer images at once or smaller ones, end other programs that use the device's memory, or "
        "raise the memory budget."},
    Meaning{LC_HOST_MEMORY, "ERR_OUT_OF_MEMORY", "Encode fewer images at once or smaller ones."},
    Meaning{LC_DEVICE_LOST, "ERR_DEVICE_LOST",
            "Start the program again; the driver's log says what happened."},
    Meaning{LC_ENGINE_INVALID, "ERR_ENGINE_INVALID", "Build the engine again."},
    Meaning{LC_SHAPE, "ERR_ARGUMENT"},
    Meaning{LC_BUILD_FAILED, "ERR_ENGINE_BUILD"},
    Meaning{LC_CANCELLED, "ERR_ABORTED"},
    Meaning{LC_UNSUPPORTED, "ERR_OPTION"},
    Meaning{LC_INTERNAL, "ERR_ENCODER"},
    Meaning{core::kPluginUnusable, "ERR_BACKEND_MISSING",
            "Install this package again, so that the plug-in and the addon are of one version."},
    Meaning{core::kFileUnreadable, "ERR_ENGINE_INVALID", "Build the engine again."},
    Meaning{core::kClosed, "ERR_ENCODER_DISPOSED"},
};

// LC_LIBRARY_*, of a back-end that has no codes of its own in JS.
constexpr Meaning kLibrary{LC_LIBRARY_MISSING, "ERR_BACKEND_MISSING",
                           "Install the library that the message names, or name the folder that holds it."};

Meaning meaningOf(lc_code code) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code == code) return meaning;
  }
  // A plug-in that breaks the contract.
  return {code, "ERR_ENCODER"};
}

Meaning meaningOf(const core::Error& error) {
  const bool isLibrary = error.code() == LC_LIBRARY_MISSING || error.code() == LC_LIBRARY_TOO_OLD ||
                         error.code() == LC_LIBRARY_MAJOR;
  return isLibrary && !error.backend().starts_with("tensorrt") ? kLibrary : meaningOf(error.code());
}

}  // namespace

Napi::Value Failure::toJs(Napi::Env env) const {
  return fromSystem ? makeSystemError(env, code.c_str(), message).Value()
                    : makeError(env, code.c_str(), message, details).Value();
}

Failure failureOf(const core::Error& error) {
  const Meaning meaning = meaningOf(error);
  Failure failure{meaning.name, error.what(), {}};
  failure.details.path = error.path();
  failure.details.remedy = meaning.remedy;
  failure.details.op = error.operation();
  if (error.code() == LC_OUT_OF_MEMORY) {
    failure.details.bytesAsked = error.bytesAsked();
    failure.details.bytesFree = error.bytesFree();
  }
  return failure;
}

Failure currentFailure() {
  try {
    throw;
  } catch (const core::Error& error) {
    return failureOf(error);
  } catch (const cuda::Error& error) {
    // No allocation is behind these: there are no byte counts to pass on.
    const Meaning meaning = meaningOf(cuda::backendCodeOf(error.problem()));
    Failure failure{meaning.name, error.what(), {}};
    failure.details.remedy = meaning.remedy;
    failure.details.op = error.operation();
    return failure;
  } catch (const nvml::Error& error) {
    Failure failure{"ERR_NVML", error.what(), {}};
    failure.details.remedy =
        "It belongs to the NVIDIA driver: install the driver, or reload it after an update.";
    failure.details.op = error.operation();
    return failure;
  } catch (const files::SystemError& error) {
    return {error.code(), error.what(), {}, true};
  } catch (const std::bad_alloc&) {
    return {"ERR_OUT_OF_MEMORY", "Not enough memory", {}};
  } catch (const std::exception& error) {
    return {"ERR_ARGUMENT", error.what(), {}};
  }
}

}  // namespace lc::addon
