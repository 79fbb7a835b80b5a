// The CUDA runtime library, opened at run time: nothing here needs NVIDIA's headers or libraries to compile
// or to load. The signatures are those of cuda_runtime_api.h; where that header is at hand,
// tensorrt/header_check.cpp compares each of them with it.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// The opaque types behind cudaStream_t and cudaEvent_t.
struct CUstream_st;
struct CUevent_st;

namespace lc::cuda {

using Stream = CUstream_st*;
using Event = CUevent_st*;

// cudaError_t; the numbers are part of CUDA's ABI.
enum Code : int {
  kSuccess = 0,
  kMemoryAllocation = 2,
  kInsufficientDriver = 35,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kNotReady = 600,
  kSystemDriverMismatch = 803,
  kCompatNotSupportedOnDevice = 804,
};

// cudaMemcpyKind
enum CopyKind : int { kHostToDevice = 1, kDeviceToHost = 2, kDefault = 4 };
// cudaStreamNonBlocking, cudaEventDisableTiming, cudaEventBlockingSync, cudaHostAllocDefault
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventBlockingSync = 1;
inline constexpr unsigned kEventDisableTiming = 2;
inline constexpr unsigned kHostAllocDefault = 0;

// name, result, parameters
#define LC_CUDA_FUNCTIONS(X)                                                    \
  X(cudaRuntimeGetVersion, int, (int*))                                         \
  X(cudaDriverGetVersion, int, (int*))                                          \
  X(cudaGetDeviceCount, int, (int*))                                            \
  X(cudaSetDevice, int, (int))                                                  \
  X(cudaGetDevice, int, (int*))                                                 \
  X(cudaDeviceGetAttribute, int, (int*, int, int))                              \
  X(cudaDeviceGetPCIBusId, int, (char*, int, int))                              \
  X(cudaMemGetInfo, int, (std::size_t*, std::size_t*))                          \
  X(cudaMalloc, int, (void**, std::size_t))                                     \
  X(cudaFree, int, (void*))                                                     \
  X(cudaHostAlloc, int, (void**, std::size_t, unsigned))                        \
  X(cudaFreeHost, int, (void*))                                                 \
  X(cudaMemcpyAsync, int, (void*, const void*, std::size_t, int, CUstream_st*)) \
  X(cudaStreamCreateWithFlags, int, (CUstream_st**, unsigned))                  \
  X(cudaStreamDestroy, int, (CUstream_st*))                                     \
  X(cudaStreamSynchronize, int, (CUstream_st*))                                 \
  X(cudaStreamWaitEvent, int, (CUstream_st*, CUevent_st*, unsigned))            \
  X(cudaEventCreateWithFlags, int, (CUevent_st**, unsigned))                    \
  X(cudaEventDestroy, int, (CUevent_st*))                                       \
  X(cudaEventRecord, int, (CUevent_st*, CUstream_st*))                          \
  X(cudaEventSynchronize, int, (CUevent_st*))                                   \
  X(cudaGetLastError, int, ())                                                  \
  X(cudaGetErrorName, const char*, (int))                                       \
  X(cudaGetErrorString, const char*, (int))

struct Functions {
#define LC_CUDA_MEMBER(name, result, parameters) result(*name) parameters = nullptr;
  LC_CUDA_FUNCTIONS(LC_CUDA_MEMBER)
#undef LC_CUDA_MEMBER
  // struct cudaDeviceProp differs between versions, but the name always comes first: give it kPropertyBytes.
  int (*cudaGetDeviceProperties)(void*, int) = nullptr;
};
inline constexpr std::size_t kPropertyBytes = 16384;

enum class Problem { kLibraryMissing, kDriver, kNoDevice, kOutOfMemory, kDeviceLost, kOther };

// Whether an error makes CUDA unusable for the rest of the process (driver_types.h: "terminate and
// relaunch").
bool isSticky(int code);

class Error : public std::runtime_error {
 public:
  // `operation` is the function's name, `name` CUDA's name of the code ("cudaErrorMemoryAllocation").
  Error(Problem problem, std::string operation, const std::string& message);
  Problem problem() const { return problem_; }
  const std::string& operation() const { return operation_; }

 private:
  Problem problem_;
  std::string operation_;
};

// The library, never closed again: driver threads may outlive every caller.
class Runtime {
 public:
  // Looks for libcudart.so.13, then .12: in each folder, then where the loader looks. Of those that load, the
  // first whose driver is new enough is taken. Throws Error: kLibraryMissing, kDriver, kNoDevice.
  static const Runtime& load(const std::vector<std::string>& folders);

  const Functions& operator()() const { return functions_; }
  const std::string& path() const { return path_; }
  int runtimeVersion() const { return runtimeVersion_; }  // 13000 is 13.0
  int driverVersion() const { return driverVersion_; }
  int deviceCount() const { return deviceCount_; }

  // Throws Error when code is not kSuccess; unless it is sticky, it is cleared from CUDA's own state first.
  void check(int code, const char* operation) const;

 private:
  Runtime() = default;
  static std::unique_ptr<Runtime> open(const std::string& candidate, std::string& reason);
  void start();

  Functions functions_;
  std::string path_;
  int runtimeVersion_ = 0;
  int driverVersion_ = 0;
  int deviceCount_ = 0;
};

}  // namespace lc::cuda
