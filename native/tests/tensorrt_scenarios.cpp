// The TensorRT plug-in, through its C table, on the fake CUDA runtime and the fake TensorRT: what it answers
// in each situation, and that nothing is left afterwards. Usage: tensorrt_scenarios PLUGIN FOLDER_OF_CUDART
// FOLDER_OF_TENSORRT
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "check.h"
#include "core/lc_backend.h"
#include "scenarios/scenarios.h"

using namespace lc::test;

namespace {

template <typename Function>
Function* symbol(void* library, const char* name) {
  auto* found = reinterpret_cast<Function*>(dlsym(library, name));
  if (found == nullptr) {
    std::fprintf(stderr, "no %s\n", name);
    std::exit(1);
  }
  return found;
}

}  // namespace

int main(int, char** arguments) {
  const std::string cudaFolder = arguments[2];
  const std::string trtFolder = arguments[3];
  setenv("LC_FAKE_CUDA", "devices=2", 1);
  void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const lc_backend& backend = *symbol<const lc_backend*()>(plugin, LC_BACKEND_SYMBOL)();
  const char* folders[] = {cudaFolder.c_str(), trtFolder.c_str()};
  const lc_options options{sizeof options, folders, 2, nullptr};
  lc_context* context = nullptr;
  lc_error error = Bench::empty();
  if (backend.context_open(&options, &context, &error) != LC_OK) {
    std::fprintf(stderr, "context_open: %s\n", error.message);
    return 1;
  }
  void* cudart = dlopen((cudaFolder + "/libcudart.so.13").c_str(), RTLD_NOW | RTLD_NOLOAD);
  const std::string major = std::string(backend.name).substr(std::strlen("tensorrt"));
  void* nvinfer = dlopen((trtFolder + "/libnvinfer.so." + major).c_str(), RTLD_NOW | RTLD_NOLOAD);
  const Doubles doubles{symbol<decltype(lc_fake_cuda_reset)>(cudart, "lc_fake_cuda_reset"),
                        symbol<decltype(lc_fake_cuda_defaults)>(cudart, "lc_fake_cuda_defaults"),
                        symbol<decltype(lc_fake_cuda_query)>(cudart, "lc_fake_cuda_query"),
                        symbol<decltype(lc_fake_cuda_device_bytes)>(cudart, "lc_fake_cuda_device_bytes"),
                        symbol<decltype(lc_fake_cuda_fail_in)>(cudart, "lc_fake_cuda_fail_in"),
                        symbol<decltype(lc_fake_trt_reset)>(nvinfer, "lc_fake_trt_reset"),
                        symbol<decltype(lc_fake_trt_query)>(nvinfer, "lc_fake_trt_query")};
  Bench bench(backend, doubles, context);
  Scenarios scenarios(bench);
  builds(scenarios, bench);
  runs(scenarios, bench);
  wrongUses(scenarios, bench);
  memoryFaults(scenarios, bench);
  failingCalls(scenarios, bench);
  twoDevices(scenarios, bench);
  lostDevices(scenarios, bench);
  backend.context_close(context);
  const lc_fake_cuda_options unused = scenarios.cuda();
  doubles.cudaReset(&unused);  // ends the threads of its streams
  std::printf("%s: %d scenarios\n", backend.name, scenarios.count());
  return lc::test::report();
}
