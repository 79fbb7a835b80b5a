#include "tensorrt/context.h"

namespace lc::trt {

Context::Context(const lc_options& options)
    : Context(std::vector<std::string>(options.library_folders,
                                       options.library_folders + options.library_folder_count)) {}

Context::Context(const std::vector<std::string>& folders)
    : tensorrt_(Library::load(folders)), cuda_(cuda::Runtime::load(folders)) {
  const int version = cuda_.runtimeVersion();
  runtime_ = "TensorRT " + tensorrt_.version() + ", CUDA runtime " + std::to_string(version / 1000) + "." +
             std::to_string(version % 1000 / 10);
}

}  // namespace lc::trt
