// Compares our table of CUDA's functions and constants with the header that was found. Compiles or does not;
// there is nothing to run.
#include <cuda_runtime_api.h>

#include <cstddef>
#include <type_traits>

#include "cuda/devices.h"
#include "cuda/runtime.h"

namespace lc::cuda {
namespace {

// CUDA's enums and structs, as our table has them.
template <typename Type>
using Plain = std::conditional_t<std::is_enum_v<Type>, int,
                                 std::conditional_t<std::is_same_v<Type, cudaDeviceProp*>, void*, Type>>;

template <typename Function>
struct PlainFunction;
template <typename Result, typename... Parameters>
struct PlainFunction<Result(Parameters...)> {
  using Type = Plain<Result> (*)(Plain<Parameters>...);
};

#define LC_CUDA_COMPARE(name, result, parameters)                                            \
  static_assert(std::is_same_v<PlainFunction<decltype(::name)>::Type, result(*) parameters>, \
                #name " has another signature");
LC_CUDA_FUNCTIONS(LC_CUDA_COMPARE)
#undef LC_CUDA_COMPARE
static_assert(std::is_same_v<PlainFunction<decltype(::cudaGetDeviceProperties)>::Type,
                             decltype(Functions::cudaGetDeviceProperties)>);

static_assert(std::is_same_v<Stream, cudaStream_t> && std::is_same_v<Event, cudaEvent_t>);

static_assert(kPropertyBytes >= sizeof(cudaDeviceProp));
static_assert(offsetof(cudaDeviceProp, name) == 0);
static_assert(offsetof(cudaDeviceProp, totalGlobalMem) == kTotalBytesOffset);

#define LC_CUDA_EQUAL(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
LC_CUDA_EQUAL(kSuccess, cudaSuccess);
LC_CUDA_EQUAL(kMemoryAllocation, cudaErrorMemoryAllocation);
LC_CUDA_EQUAL(kInsufficientDriver, cudaErrorInsufficientDriver);
LC_CUDA_EQUAL(kNoDevice, cudaErrorNoDevice);
LC_CUDA_EQUAL(kInvalidDevice, cudaErrorInvalidDevice);
LC_CUDA_EQUAL(kNotReady, cudaErrorNotReady);
LC_CUDA_EQUAL(kSystemDriverMismatch, cudaErrorSystemDriverMismatch);
LC_CUDA_EQUAL(kCompatNotSupportedOnDevice, cudaErrorCompatNotSupportedOnDevice);

LC_CUDA_EQUAL(kHostToDevice, cudaMemcpyHostToDevice);
LC_CUDA_EQUAL(kDeviceToHost, cudaMemcpyDeviceToHost);
LC_CUDA_EQUAL(kDefault, cudaMemcpyDefault);
LC_CUDA_EQUAL(kStreamNonBlocking, cudaStreamNonBlocking);
LC_CUDA_EQUAL(kEventBlockingSync, cudaEventBlockingSync);
LC_CUDA_EQUAL(kEventDisableTiming, cudaEventDisableTiming);
LC_CUDA_EQUAL(kHostAllocDefault, cudaHostAllocDefault);

LC_CUDA_EQUAL(kMaxSharedMemoryPerBlock, cudaDevAttrMaxSharedMemoryPerBlock);
LC_CUDA_EQUAL(kTextureAlignment, cudaDevAttrTextureAlignment);
LC_CUDA_EQUAL(kMultiprocessorCount, cudaDevAttrMultiProcessorCount);
LC_CUDA_EQUAL(kIntegrated, cudaDevAttrIntegrated);
LC_CUDA_EQUAL(kEccEnabled, cudaDevAttrEccEnabled);
LC_CUDA_EQUAL(kMemoryBusWidth, cudaDevAttrGlobalMemoryBusWidth);
LC_CUDA_EQUAL(kL2CacheSize, cudaDevAttrL2CacheSize);
LC_CUDA_EQUAL(kComputeCapabilityMajor, cudaDevAttrComputeCapabilityMajor);
LC_CUDA_EQUAL(kComputeCapabilityMinor, cudaDevAttrComputeCapabilityMinor);
LC_CUDA_EQUAL(kMaxSharedMemoryPerMultiprocessor, cudaDevAttrMaxSharedMemoryPerMultiprocessor);
LC_CUDA_EQUAL(kMaxSharedMemoryPerBlockOptin, cudaDevAttrMaxSharedMemoryPerBlockOptin);
#undef LC_CUDA_EQUAL

}  // namespace
}  // namespace lc::cuda
