#include "tensorrt/network.h"

#include <string>

#include "tensorrt/shape.h"

namespace lc::trt {
namespace {

nvinfer1::NetworkDefinitionCreationFlags networkFlags() {
#if NV_TENSORRT_MAJOR < 11
  return 1U << static_cast<std::uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#else
  return 0;
#endif
}

// "node 12 Conv (encoder.conv_in): unsupported type; ..."
std::string errorsOf(const nvonnxparser::IParser& parser) {
  std::string text;
  for (int index = 0; index < parser.getNbErrors(); ++index) {
    const nvonnxparser::IParserError* error = parser.getError(index);
    if (error == nullptr) continue;
    if (!text.empty()) text += "; ";
    if (error->node() >= 0) {
      text += "node " + std::to_string(error->node()) + " ";
      text.append(error->nodeOperator()).append(" (").append(error->nodeName()).append("): ");
    }
    text += error->desc();
  }
  return text;
}

[[noreturn]] void failParsing(Session& session, const nvonnxparser::IParser& parser, const char* operation) {
  const std::string errors = errorsOf(parser);
  session.fail(LC_BUILD_FAILED, operation,
               errors.empty() ? "TensorRT refused the network" : "TensorRT refused the network: " + errors);
}

void parse(nvonnxparser::IParser& parser, Session& session, const lc_build& build) {
  if (!parser.loadModelProto(build.graph, build.graph_byte_count))
    failParsing(session, parser, "loadModelProto");
  for (std::uint32_t index = 0; index < build.tensor_count; ++index) {
    const lc_tensor& tensor = build.tensors[index];
    if (!parser.loadInitializer(tensor.name, tensor.data, tensor.byte_count)) {
      failParsing(session, parser, "loadInitializer");
    }
  }
  if (!parser.parseModelProto()) failParsing(session, parser, "parseModelProto");
}

bool isTensor(const nvinfer1::ITensor* tensor, const char* name, nvinfer1::DataType type) {
  return tensor != nullptr && std::string_view(tensor->getName()) == name && tensor->getType() == type;
}

void requireEncoder(const nvinfer1::INetworkDefinition& network) {
  if (network.getNbInputs() == 1 && network.getNbOutputs() == 1 &&
      isTensor(network.getInput(0), kInputName, nvinfer1::DataType::kUINT8) &&
      isTensor(network.getOutput(0), kOutputName, nvinfer1::DataType::kFLOAT) &&
      network.getInput(0)->getDimensions().nbDims == kInputRank) {
    return;
  }
  throw Failure(
      LC_BUILD_FAILED, "parseModelProto",
      "The graph must have one input, pixels, uint8 (count, height, width, 3), and one output, moments, "
      "float32");
}

}  // namespace

ParsedNetwork parseNetwork(const Library& tensorrt, nvinfer1::IBuilder& builder, Session& session,
                           const lc_build& build) {
  session.begin();
  auto network = own(builder.createNetworkV2(networkFlags()), session.gpu());
  if (network == nullptr) session.fail(LC_INTERNAL, "createNetworkV2", "TensorRT has made no network");
  auto parser = own(tensorrt.createParser(*network, Logger::instance()), session.gpu());
  if (parser == nullptr) session.fail(LC_INTERNAL, "createNvOnnxParser", "TensorRT has made no parser");
  parse(*parser, session, build);
  requireEncoder(*network);
  return {std::move(network), std::move(parser)};
}

}  // namespace lc::trt
