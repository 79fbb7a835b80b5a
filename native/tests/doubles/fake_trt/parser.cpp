// libnvonnxparser's half, inside libnvinfer so that both have the same settings and counts. Of a model it
// looks at the sides of `pixels` and `moments` and at the names of tensors.
#include <NvOnnxParser.h>

#include "fake_trt/network.h"

namespace fake {
namespace {

// The sides of a graph's input or output, read off the bytes of its ValueInfoProto.
bool readSides(const std::string& model, const std::string& name, std::int64_t* sides, std::int32_t& rank) {
  std::string start("\x0a");
  start.push_back(static_cast<char>(name.size()));
  start.append(name).push_back('\x12');
  std::size_t at = model.rfind(start);
  if (at == std::string::npos) return false;
  const auto byte = [&](std::size_t i) {
    return i < model.size() ? static_cast<unsigned char>(model[i]) : 0u;
  };
  // name, type { tensor_type { elem_type, shape {
  at += start.size() + 1;  // its length is below 128
  if (byte(at) != 0x0a || byte(at + 2) != 0x08 || byte(at + 4) != 0x12) return false;
  const std::size_t end = at + 6 + byte(at + 5);
  for (at += 6, rank = 0; at < end && rank < kInputRank; ++rank) {
    const std::size_t next = at + 2 + byte(at + 1);
    sides[rank] = -1;
    if (byte(at + 2) == 0x08) {
      std::int64_t value = 0;
      for (std::size_t i = at + 3, shift = 0; i < next; ++i, shift += 7)
        value |= std::int64_t{byte(i) & 0x7f} << shift;
      sides[rank] = value;
    }
    at = next;
  }
  return true;
}

struct ParserError final : nvonnxparser::StubIParserError {
  explicit ParserError(std::string text) : text_(std::move(text)) {}
  using ErrorCode = nvonnxparser::ErrorCode;
  ErrorCode code() const override { return ErrorCode::kUNSUPPORTED_GRAPH; }
  const char* desc() const override { return text_.c_str(); }
  int node() const override { return 0; }
  const char* nodeName() const override { return "first"; }
  const char* nodeOperator() const override { return "Made"; }
  std::string text_;
};

struct Parser final : nvonnxparser::StubIParser, Counted {
  explicit Parser(Network& network) : network_(network) { ++network_.parsers_; }
  ~Parser() override { --network_.parsers_; }

  bool loadModelProto(const void* bytes, std::size_t size, const char*) noexcept override {
    expect(network_.model_.empty(), "two models for one parser");
    network_.model_.assign(static_cast<const char*>(bytes), size);
    return world().options.parser_fails == 0 || refuse("an operator that is not there");
  }
  bool loadInitializer(const char* name, const void* data, std::size_t size) noexcept override {
    expect(!network_.model_.empty() && !network_.isParsed_, "weights before the model or after parsing");
    if (network_.model_.find(name) == std::string::npos)
      return refuse("weights that the model does not name");
    network_.weights_[name] = {static_cast<const char*>(data), size};
    return true;
  }
  bool parseModelProto() noexcept override {
    Plan& plan = network_.plan_;
    std::int32_t rank = 0;
    if (!readSides(network_.model_, "pixels", plan.input, rank) || rank != kInputRank ||
        !readSides(network_.model_, "moments", plan.output, plan.outputRank)) {
      return refuse("no pixels or no moments");
    }
    network_.input_.dims_ = toDims(plan.input, kInputRank);
    network_.output_.dims_ = toDims(plan.output, plan.outputRank);
    network_.isParsed_ = true;
    return true;
  }
  int getNbErrors() const noexcept override { return static_cast<int>(errors_.size()); }
  const nvonnxparser::IParserError* getError(int index) const noexcept override {
    return &errors_[static_cast<std::size_t>(index)];
  }

  bool refuse(const char* reason) {
    errors_.emplace_back(reason);
    return false;
  }
  Network& network_;
  std::vector<ParserError> errors_;
};

}  // namespace
}  // namespace fake

extern "C" __attribute__((visibility("default"))) void* lc_fake_trt_create_parser(void* network) noexcept {
  auto& definition = *static_cast<nvinfer1::INetworkDefinition*>(network);
  return static_cast<nvonnxparser::IParser*>(new fake::Parser(static_cast<fake::Network&>(definition)));
}
