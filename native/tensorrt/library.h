// TensorRT's shared libraries, opened at run time.
#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>
#include <string>
#include <vector>

namespace lc::trt {

// The functions that make the objects, of a library whose objects have the layout that the headers say: the
// same major version, and none older than the headers.
class Library {
 public:
  // Looks for libnvinfer.so.MAJOR in each folder, then where the loader looks, and takes the first that fits;
  // its parser is looked for beside it first. Once one is found, every later call gets that one: the loader
  // would mix two of one major version. Throws Failure:
  //   LC_LIBRARY_MISSING  none was found, or none loads
  //   LC_LIBRARY_TOO_OLD  the right major version, but older than the headers
  //   LC_LIBRARY_MAJOR    another major version
  static const Library& load(const std::vector<std::string>& folders);

  nvinfer1::IBuilder* createBuilder(nvinfer1::ILogger& logger) const {
    return static_cast<nvinfer1::IBuilder*>(createBuilder_(&logger, NV_TENSORRT_VERSION));
  }
  nvinfer1::IRuntime* createRuntime(nvinfer1::ILogger& logger) const {
    return static_cast<nvinfer1::IRuntime*>(createRuntime_(&logger, NV_TENSORRT_VERSION));
  }
  nvonnxparser::IParser* createParser(nvinfer1::INetworkDefinition& network,
                                      nvinfer1::ILogger& logger) const {
    return static_cast<nvonnxparser::IParser*>(createParser_(&network, &logger, NV_ONNX_PARSER_VERSION));
  }

  // "10.14.1"
  const std::string& version() const { return version_; }

 private:
  Library() = default;
  static std::unique_ptr<Library> open(const std::string& candidate, const std::vector<std::string>& folders);

  decltype(&::createInferBuilder_INTERNAL) createBuilder_ = nullptr;
  decltype(&::createInferRuntime_INTERNAL) createRuntime_ = nullptr;
  decltype(&::createNvOnnxParser_INTERNAL) createParser_ = nullptr;
  std::string version_;
};

}  // namespace lc::trt
