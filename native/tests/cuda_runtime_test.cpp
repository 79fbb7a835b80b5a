// Usage: cuda_runtime_test STAND_INS, or cuda_runtime_test missing.
#include <dlfcn.h>

#include <cstring>
#include <optional>
#include <string>

#include "check.h"
#include "cuda/devices.h"
#include "cuda/runtime.h"

using lc::cuda::Error;
using lc::cuda::Problem;
using lc::cuda::Runtime;
using lc::test::check;

namespace {

constexpr int kSkipped = 77;

std::optional<Error> errorOf(const std::vector<std::string>& folders) {
  try {
    Runtime::load(folders);
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

bool contains(const Error& error, const char* text) {
  return std::strstr(error.what(), text) != nullptr;
}

void expectError(const std::string& folder, Problem problem, const std::vector<const char*>& texts) {
  const std::optional<Error> error = errorOf({folder});
  check(error && error->problem() == problem, "%s: %s", folder.c_str(), error ? error->what() : "loads");
  for (const char* text : texts) {
    check(error && contains(*error, text), "'%s' lacks '%s'", error ? error->what() : "", text);
  }
}

int testMissing() {
  for (const char* name : {"libcudart.so.13", "libcudart.so.12"}) {
    if (::dlopen(name, RTLD_LAZY | RTLD_LOCAL) != nullptr) {
      std::printf("skipped: the loader has %s\n", name);
      return kSkipped;
    }
  }
  expectError("/nowhere", Problem::kLibraryMissing, {"libcudart.so.13", "libcudart.so.12"});
  return lc::test::report();
}

void testOrder(const std::string& standIns) {
  const std::string folder = standIns + "/cuda_13_too_new";
  const Runtime& runtime = Runtime::load({"/nowhere", folder});
  check(runtime.path() == folder + "/libcudart.so.12", "took %s", runtime.path().c_str());
  check(runtime.runtimeVersion() == 12040, "runtime version %d", runtime.runtimeVersion());
  check(runtime.driverVersion() == 12040, "driver version %d", runtime.driverVersion());
  check(runtime.deviceCount() == 1, "%d devices", runtime.deviceCount());
  check(&runtime == &Runtime::load({"/nowhere", folder}), "loaded a second time");

  const Runtime& second = Runtime::load({standIns + "/cuda_incomplete"});
  check(second.path() == standIns + "/cuda_incomplete/libcudart.so.12", "took %s", second.path().c_str());
}

void testDriver(const std::string& standIns) {
  expectError(standIns + "/cuda_driver_too_old", Problem::kDriver,
              {"serves CUDA 12.4", "cuda_driver_too_old/libcudart.so.13", "CUDA 13.0"});
  expectError(standIns + "/cuda_no_driver", Problem::kDriver, {"No NVIDIA driver was found"});
  expectError(standIns + "/cuda_no_device", Problem::kNoDevice, {"cudaGetDeviceCount"});
}

void testCheck(const Runtime& runtime) {
  void* library = ::dlopen(runtime.path().c_str(), RTLD_LAZY | RTLD_LOCAL);
  const auto cleared = reinterpret_cast<int (*)()>(::dlsym(library, "standInCleared"));
  const auto problemOf = [&](int code) {
    try {
      runtime.check(code, "cudaMalloc");
    } catch (const Error& error) {
      check(error.operation() == "cudaMalloc", "operation '%s'", error.operation().c_str());
      check(std::string(error.what()) == "cudaMalloc: what it means (cudaErrorName)", "%s", error.what());
      return error.problem();
    }
    check(false, "code %d throws nothing", code);
    return Problem::kOther;
  };
  int before = cleared();
  check(problemOf(2) == Problem::kOutOfMemory, "cudaErrorMemoryAllocation");
  check(cleared() == before + 1, "out of memory stays in CUDA's state");
  before = cleared();
  check(problemOf(700) == Problem::kDeviceLost, "cudaErrorIllegalAddress");
  check(problemOf(719) == Problem::kDeviceLost, "cudaErrorLaunchFailure");
  check(cleared() == before, "a lost device was asked again");
  check(problemOf(1) == Problem::kOther, "cudaErrorInvalidValue");
  runtime.check(0, "cudaMalloc");
}

// The stand-in gives every attribute its number in enum cudaDeviceAttr as value.
void testDevices(const Runtime& runtime) {
  const std::vector<lc::cuda::Device> devices = lc::cuda::listDevices(runtime);
  check(devices.size() == 1, "%zu devices", devices.size());
  const lc::cuda::Device& device = devices.at(0);
  check(device.name == "A stand-in", "name '%s'", device.name.c_str());
  check(device.pciBusId == "0000:01:00.0", "bus id '%s'", device.pciBusId.c_str());
  check(device.computeCapability == std::array<int, 2>{75, 76}, "compute capability");
  check(device.multiprocessors == 16, "%d multiprocessors", device.multiprocessors);
  check(device.totalBytes == 25'393'692'672, "%llu bytes",
        static_cast<unsigned long long>(device.totalBytes));
  check(device.attributes ==
            "cc=75.76 sm=16 bus=37 l2=38 smem=8 smem_optin=97 smem_sm=81 tex=14 integrated=18 ecc=32 gib=24",
        "'%s'", device.attributes.c_str());
  try {
    lc::cuda::memoryInfo(runtime, 1);
    check(false, "device 1 of 1 has memory");
  } catch (const Error& error) {
    check(error.problem() == Problem::kNoDevice, "%s", error.what());
  }
}

}  // namespace

int main(int, char** arguments) {
  const std::string standIns = arguments[1];
  if (standIns == "missing") return testMissing();
  // In this order: a library that is loaded stays so, and the loader finds it again by its bare name.
  testDriver(standIns);
  testOrder(standIns);
  const Runtime& runtime = Runtime::load({standIns + "/cuda_13_too_new"});
  testCheck(runtime);
  testDevices(runtime);
  return lc::test::report();
}
