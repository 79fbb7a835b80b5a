#include "cuda/runtime.h"

#include <dlfcn.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace lc::cuda {
namespace {

// TensorRT 10 exists for CUDA 12 as well, and its wheels bring that runtime along.
constexpr const char* kLibraryNames[] = {"libcudart.so.13", "libcudart.so.12"};

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Problem problemOf(int code) {
  switch (code) {
    case kMemoryAllocation:
      return Problem::kOutOfMemory;
    case kInsufficientDriver:
    case kSystemDriverMismatch:
    case kCompatNotSupportedOnDevice:
      return Problem::kDriver;
    case kNoDevice:
    case kInvalidDevice:
      return Problem::kNoDevice;
    default:
      return isSticky(code) ? Problem::kDeviceLost : Problem::kOther;
  }
}

// A name without a folder is left to the loader.
std::vector<std::string> candidatesOf(const char* name, const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    std::string path = std::string(folder).append("/").append(name);
    if (::access(path.c_str(), F_OK) == 0) paths.push_back(std::move(path));
  }
  paths.emplace_back(name);
  return paths;
}

template <typename Function>
bool resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

// The name of the first function that is missing, or nullptr.
const char* resolveAll(void* library, Functions& functions) {
#define LC_CUDA_RESOLVE(name, result, parameters) \
  if (!resolve(library, #name, functions.name)) return #name;
  LC_CUDA_FUNCTIONS(LC_CUDA_RESOLVE)
#undef LC_CUDA_RESOLVE
  if (!resolve(library, "cudaGetDeviceProperties", functions.cudaGetDeviceProperties)) {
    return "cudaGetDeviceProperties";
  }
  return nullptr;
}

std::string pathOf(const Functions& functions, const std::string& candidate) {
  Dl_info info{};
  const bool known = ::dladdr(reinterpret_cast<const void*>(functions.cudaMalloc), &info) != 0;
  return known && info.dli_fname != nullptr ? info.dli_fname : candidate;
}

}  // namespace

bool isSticky(int code) {
  switch (code) {
    case 214:  // cudaErrorECCUncorrectable
    case 226:  // cudaErrorContained
    case 700:  // cudaErrorIllegalAddress
    case 702:  // cudaErrorLaunchTimeout
    case 710:  // cudaErrorAssert
    case 714:  // cudaErrorHardwareStackError
    case 715:  // cudaErrorIllegalInstruction
    case 716:  // cudaErrorMisalignedAddress
    case 717:  // cudaErrorInvalidAddressSpace
    case 718:  // cudaErrorInvalidPc
    case 719:  // cudaErrorLaunchFailure
    case 721:  // cudaErrorTensorMemoryLeak
    case 911:  // cudaErrorExternalDevice
      return true;
    default:
      return false;
  }
}

Error::Error(Problem problem, std::string operation, const std::string& message)
    : std::runtime_error(message), problem_(problem), operation_(std::move(operation)) {}

void Runtime::check(int code, const char* operation) const {
  if (code == kSuccess) return;
  // What CUDA remembers would otherwise be taken for the failure of a later call.
  if (!isSticky(code)) functions_.cudaGetLastError();
  throw Error(problemOf(code), operation,
              std::string(operation) + ": " + functions_.cudaGetErrorString(code) + " (" +
                  functions_.cudaGetErrorName(code) + ")");
}

// Opens one candidate; nullptr and a reason when that is no usable library.
std::unique_ptr<Runtime> Runtime::open(const std::string& candidate, std::string& reason) {
  void* library = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* text = ::dlerror();
    reason = text != nullptr ? text : candidate + ": does not load";
    return nullptr;
  }
  std::unique_ptr<Runtime> runtime(new Runtime);
  if (const char* missing = resolveAll(library, runtime->functions_)) {
    reason = candidate + ": has no " + missing;
    return nullptr;
  }
  runtime->path_ = pathOf(runtime->functions_, candidate);
  return runtime;
}

void Runtime::start() {
  check(functions_.cudaRuntimeGetVersion(&runtimeVersion_), "cudaRuntimeGetVersion");
  check(functions_.cudaDriverGetVersion(&driverVersion_), "cudaDriverGetVersion");
  const int code = functions_.cudaGetDeviceCount(&deviceCount_);
  if (code == kInsufficientDriver) {
    functions_.cudaGetLastError();
    const std::string needed = path_ + " needs one for CUDA " + versionText(runtimeVersion_);
    throw Error(Problem::kDriver, "cudaGetDeviceCount",
                driverVersion_ == 0
                    ? "No NVIDIA driver was found; " + needed
                    : "The NVIDIA driver serves CUDA " + versionText(driverVersion_) + "; " + needed);
  }
  check(code, "cudaGetDeviceCount");
  if (deviceCount_ == 0) throw Error(Problem::kNoDevice, "cudaGetDeviceCount", "There is no CUDA device");
}

const Runtime& Runtime::load(const std::vector<std::string>& folders) {
  static std::mutex mutex;
  static auto& loaded = *new std::map<std::vector<std::string>, std::unique_ptr<Runtime>>;
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(folders); found != loaded.end()) return *found->second;

  std::string reasons;
  std::optional<Error> driverProblem;
  for (const char* name : kLibraryNames) {
    for (const std::string& candidate : candidatesOf(name, folders)) {
      std::string reason;
      std::unique_ptr<Runtime> runtime = open(candidate, reason);
      if (runtime == nullptr) {
        reasons += (reasons.empty() ? "" : "; ") + reason;
        continue;
      }
      try {
        runtime->start();
        return *loaded.emplace(folders, std::move(runtime)).first->second;
      } catch (const Error& error) {
        if (error.problem() != Problem::kDriver) throw;
        if (!driverProblem) driverProblem = error;
      }
    }
  }
  if (driverProblem) throw *driverProblem;
  throw Error(Problem::kLibraryMissing, "dlopen", "The CUDA runtime library was not found: " + reasons);
}

}  // namespace lc::cuda
