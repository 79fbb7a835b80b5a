// From an ONNX model to TensorRT's network.
#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include "core/lc_backend.h"
#include "tensorrt/handles.h"
#include "tensorrt/library.h"
#include "tensorrt/session.h"

namespace lc::trt {

// The network keeps pointers into the parser's model and into the build's tensors.
struct ParsedNetwork {
  Object<nvinfer1::INetworkDefinition> network;
  Object<nvonnxparser::IParser> parser;
};

// Strongly typed: the types are those of the model. Throws LC_BUILD_FAILED with the parser's words, or when
// input and output are not those that lc_build describes.
ParsedNetwork parseNetwork(const Library& tensorrt, nvinfer1::IBuilder& builder, Session& session,
                           const lc_build& build);

}  // namespace lc::trt
