#include "onednn/network.h"

#include <cmath>
#include <string>
#include <utility>

#include "onednn/blocks.h"
#include "onednn/conv_shapes.h"
#include "onednn/pixel_operands.h"
#include "onednn/tile_sizes.h"
#include "plugin/failure.h"

namespace lc::onednn {
namespace {

using plugin::Failure;

constexpr std::uint32_t kColours = 3;
// Beyond it, sides of maps and counts of layers are no longer safe to multiply.
constexpr std::uint32_t kMostLevels = 8;

Operand operandOf(lc_precision precision) {
  switch (precision) {
    case LC_FP32:
      return Operand::kFloat32;
    case LC_BF16:
      return Operand::kBfloat16;
    case LC_BF16X3:
      return Operand::kSplit;
    default:
      throw Failure(LC_UNSUPPORTED, "", "There is no precision " + std::to_string(precision));
  }
}

[[noreturn]] void unsupported(const char* what) {
  throw Failure(LC_UNSUPPORTED, "", std::string("The layers are not those of an encoder: ") + what);
}

}  // namespace

// Walks the layers and keeps track of the map that the last one wrote.
class Network::Reader {
 public:
  Reader(Network& network, const dnnl::engine& engine) : network_(network), engine_(engine) {}

  void read(const lc_network& network) {
    range_ = network.range;
    if (range_ != LC_PIXELS_SIGNED && range_ != LC_PIXELS_UNIT) unsupported("an unknown range of pixels");
    const lc_norm* pendingNorm = nullptr;
    for (std::uint32_t i = 0; i < network.layer_count; ++i) {
      const lc_layer& layer = network.layers[i];
      if (pendingNorm != nullptr && layer.kind != LC_LAYER_CONV) unsupported("a norm is not before a conv");
      const bool isLast = i + 1 == network.layer_count;
      switch (layer.kind) {
        case LC_LAYER_CONV:
          if (i == 0) {
            first(layer.convs[0]);
          } else if (isLast) {
            last(pendingNorm, layer.convs[0]);
          } else {
            between(pendingNorm, layer.convs[0]);
          }
          pendingNorm = nullptr;
          break;
        case LC_LAYER_DOWNSAMPLE:
          downsample(layer.convs[0]);
          break;
        case LC_LAYER_NORM_SILU:
          pendingNorm = &layer.norms[0];
          break;
        case LC_LAYER_RESIDUAL:
          residual(layer);
          break;
        case LC_LAYER_ATTENTION:
          attention(layer);
          break;
        case LC_LAYER_SPACE_TO_DEPTH:
          spaceToDepth(layer.convs[0]);
          break;
        case LC_LAYER_NORM_CONV_MEAN:
          if (!isLast) unsupported("a norm-conv-mean is not the last one");
          normConvMean(layer);
          break;
        case LC_LAYER_RELU_BLOCK:
          reluBlock(layer);
          break;
        default:
          unsupported("an unknown kind of layer");
      }
    }
    if (network_.outputs_ == 0) unsupported("the last one is not a conv");
  }

 private:
  struct Position {
    std::uint32_t map;
    std::uint32_t writer;
  };

  // What a convolution does besides reading its source and writing its target.
  struct Extras {
    const lc_norm* norm = nullptr;
    // Of this map.
    std::optional<std::pair<std::uint32_t, lc_conv>> shortcut = std::nullopt;
    ConvolutionOperation::Means means = {0, 0};
    bool adds = false;
    bool rectifies = false;
    bool goesToDepth = false;
  };

  // Winograd's where oneDNN has it. Not on the coarsest maps, where the larger weights cost more memory than
  // time is saved.
  Convolution::Algorithm algorithmFor(const lc_conv& conv, Operand operand, std::uint32_t level) const {
    using Algorithm = Convolution::Algorithm;
    constexpr std::uint32_t kLastLevel = 2;
    const bool isInBlocks = conv.inputs % kChannelBlock == 0 && conv.outputs % kChannelBlock == 0;
    if (operand != Operand::kFloat32 || conv.stride != 1 || level > kLastLevel || !isInBlocks) {
      return Algorithm::kDirect;
    }
    const Extent tile = largestTile(Algorithm::kWinograd, conv.inputs, conv.outputs);
    return Convolution::isThere(engine_, {Algorithm::kWinograd, conv.inputs, conv.outputs, conv.kernel,
                                          conv.stride, tile.height, tile.width})
               ? Algorithm::kWinograd
               : Algorithm::kDirect;
  }

  std::uint32_t newMap(std::uint32_t level, std::uint32_t channels) {
    if (level > kMostLevels) unsupported("too many levels");
    network_.maps_.push_back({level, channels});
    return static_cast<std::uint32_t>(network_.maps_.size() - 1);
  }

  template <typename What>
  What& append(What what) {
    network_.operations_.push_back({std::move(what), 0});
    return std::get<What>(network_.operations_.back().what);
  }

  std::uint32_t lastOperation() const { return static_cast<std::uint32_t>(network_.operations_.size() - 1); }

  const MapInfo& here() const {
    if (!position_) unsupported("the first one is not a conv");
    return network_.maps_[position_->map];
  }

  static void expectValues(const float* values) {
    if (values == nullptr) throw Failure(LC_INVALID, "", "A layer has no values");
  }

  void expectInputs(const lc_conv& conv, std::uint32_t channels) const {
    expectValues(conv.weight);
    if (conv.inputs == channels && conv.outputs > 0) return;
    throw Failure(LC_INVALID, "",
                  "A convolution takes " + std::to_string(conv.inputs) + " channels where there are " +
                      std::to_string(channels));
  }

  NormOfMap normOf(const lc_norm& norm, const Position& position) {
    expectValues(norm.weight);
    const std::uint32_t channels = network_.maps_[position.map].channels;
    if (norm.channels != channels) doesNotFit(norm, channels);
    if (norm.kind == LC_NORM_RMS) return {{nullptr, nullptr, channels, 0, norm.epsilon}, std::nullopt};
    if (norm.kind != LC_NORM_GROUP) unsupported("an unknown kind of norm");
    expectValues(norm.bias);
    if (norm.groups == 0 || channels % norm.groups != 0) doesNotFit(norm, channels);
    if (isRectified_) unsupported("a norm of groups is behind a relu-block");
    std::uint32_t& groups = network_.operations_[position.writer].groups;
    if (groups != 0 && groups != norm.groups) unsupported("two norms of one map differ in their groups");
    groups = norm.groups;
    return {{nullptr, nullptr, norm.channels, norm.groups, norm.epsilon}, position.writer};
  }

  [[noreturn]] static void doesNotFit(const lc_norm& norm, std::uint32_t channels) {
    throw Failure(LC_INVALID, "",
                  "A norm of " + std::to_string(norm.channels) + " channels in " +
                      std::to_string(norm.groups) + " groups does not fit " + std::to_string(channels) +
                      " channels");
  }

  // How many channels are averaged for each output.
  static std::uint32_t groupOf(const lc_conv& conv) {
    if (conv.inputs % conv.outputs == 0) return conv.inputs / conv.outputs;
    throw Failure(LC_INVALID, "",
                  std::to_string(conv.inputs) + " channels have no means in " + std::to_string(conv.outputs) +
                      " groups");
  }

  void first(const lc_conv& conv) {
    if (!isSame3(conv)) unsupported("the first conv is not 3 x 3");
    expectInputs(conv, kColours);
    const std::uint32_t map = newMap(0, conv.outputs);
    PixelOperation& operation = append(PixelOperation{range_, {}, map});
    const Operand operand = pixelOperand(network_.operand_);
    network_.block_.add(
        {kPixelRows, pixelOperandLength(operand), conv.outputs}, operand, conv.bias,
        [conv, range = range_, operand](std::uint32_t output, void* target) {
          writePixelWeights(conv, range, operand, output, target);
        },
        operation.weights);
    position_ = Position{map, lastOperation()};
  }

  void between(const lc_norm* norm, const lc_conv& conv) {
    if (!isSame3(conv) && !isPointwise(conv)) unsupported("a conv is neither 3 x 3 nor 1 x 1");
    expectInputs(conv, here().channels);
    convolution(*position_, conv, network_.operand_, {.norm = norm}, newMap(here().level, conv.outputs));
  }

  void last(const lc_norm* norm, const lc_conv& conv, ConvolutionOperation::Means means = {0, 0}) {
    if (!isSame3(conv)) unsupported("the last conv is not 3 x 3");
    expectInputs(conv, here().channels);
    // Everything behind the last norm is small and decides the result.
    convolution(*position_, conv, Operand::kFloat32, {.norm = norm, .means = means}, std::nullopt);
    network_.outputs_ = conv.outputs;
  }

  void normConvMean(const lc_layer& layer) {
    const lc_conv& conv = layer.convs[0];
    expectInputs(conv, here().channels);
    last(&layer.norms[0], conv, {groupOf(conv), layer.scale});
  }

  void downsample(const lc_conv& conv) {
    if (!isHalving3(conv)) unsupported("a downsample does not halve");
    expectInputs(conv, here().channels);
    convolution(*position_, conv, network_.operand_, {}, newMap(here().level + 1, conv.outputs));
    network_.stride_ *= 2;
  }

  void spaceToDepth(const lc_conv& conv) {
    if (!isSame3(conv)) unsupported("a space-to-depth has another conv than 3 x 3");
    expectInputs(conv, here().channels);
    constexpr std::uint32_t kPixels = 4;
    convolution(*position_, conv, network_.operand_, {.means = {groupOf(conv), 1}, .goesToDepth = true},
                newMap(here().level + 1, kPixels * conv.outputs));
    network_.stride_ *= 2;
  }

  void residual(const lc_layer& layer) {
    const auto& [conv1, conv2, shortcut, unused] = layer.convs;
    const std::uint32_t level = here().level;
    const Position before = *position_;
    const std::uint32_t inputs = here().channels;
    if (!isSame3(conv1) || !isSame3(conv2)) unsupported("a residual block has other convs than 3 x 3");
    expectInputs(conv1, inputs);
    expectInputs(conv2, conv1.outputs);
    const std::uint32_t inner = newMap(level, conv1.outputs);
    convolution(before, conv1, network_.operand_, {.norm = &layer.norms[0]}, inner);
    if (shortcut.weight == nullptr) {
      if (conv2.outputs != inputs) {
        throw Failure(LC_INVALID, "", "A residual block without a shortcut changes the number of channels");
      }
      convolution(*position_, conv2, network_.operand_, {.norm = &layer.norms[1], .adds = true}, before.map);
      return;
    }
    if (!isPointwise(shortcut)) unsupported("a shortcut is not 1 x 1");
    expectInputs(shortcut, inputs);
    if (shortcut.outputs != conv2.outputs) throw Failure(LC_INVALID, "", "A shortcut gives other channels");
    const std::uint32_t target = newMap(level, conv2.outputs);
    convolution(*position_, conv2, network_.operand_,
                {.norm = &layer.norms[1], .shortcut = std::pair(before.map, shortcut)}, target);
  }

  void reluBlock(const lc_layer& layer) {
    const std::uint32_t level = here().level;
    const Position before = *position_;
    const std::uint32_t channels = here().channels;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const lc_conv& conv = layer.convs[i];
      if (!isSame3(conv)) unsupported("a relu-block has other convs than 3 x 3");
      expectInputs(conv, channels);
      if (conv.outputs != channels)
        throw Failure(LC_INVALID, "", "A relu-block changes the number of channels");
      const bool isLast = i == 2;
      convolution(*position_, conv, network_.operand_, {.adds = isLast, .rectifies = true},
                  isLast ? before.map : newMap(level, channels));
    }
  }

  void convolution(const Position& source, const lc_conv& conv, Operand operand, const Extras& extras,
                   std::optional<std::uint32_t> target) {
    std::optional<NormOfMap> reading;
    if (extras.norm != nullptr) reading = normOf(*extras.norm, source);
    ConvolutionOperation& operation = append(ConvolutionOperation{.source = source.map,
                                                                  .norm = reading,
                                                                  .weights = {},
                                                                  .paddingTop = conv.padding[0],
                                                                  .paddingLeft = conv.padding[1],
                                                                  .shortcut = {},
                                                                  .means = extras.means,
                                                                  .adds = extras.adds,
                                                                  .rectifies = extras.rectifies,
                                                                  .goesToDepth = extras.goesToDepth,
                                                                  .target = target});
    // Blocks are known where rows go to a map as they are.
    const bool isPlain = target && !extras.goesToDepth;
    const Convolution::Algorithm algorithm =
        isPlain ? algorithmFor(conv, operand, network_.maps_[source.map].level)
                : Convolution::Algorithm::kDirect;
    Extent tile = largestTile(algorithm, conv.inputs, conv.outputs);
    if (extras.goesToDepth) tile.height -= tile.height % 2;
    WeightBlock& block = network_.block_;
    block.add(conv, operand, algorithm, tile, operation.weights);
    if (extras.norm != nullptr) block.add(*extras.norm, operation.norm->parameters);
    if (extras.shortcut) {
      const auto& [map, pointwise] = *extras.shortcut;
      operation.shortcut.emplace(ConvolutionOperation::Shortcut{map, {}});
      block.add({pointwise}, {1.0}, network_.operand_, tile.height * tile.width, operation.shortcut->weights);
    }
    if (!target) return;
    position_ = Position{*target, lastOperation()};
    isRectified_ = extras.rectifies;
  }

  void attention(const lc_layer& layer) {
    const auto& [query, key, value, output] = layer.convs;
    const std::uint32_t channels = here().channels;
    for (const lc_conv& conv : layer.convs) {
      if (!isPointwise(conv)) unsupported("the attention has other convs than 1 x 1");
      expectInputs(conv, channels);
      if (conv.outputs != channels)
        throw Failure(LC_INVALID, "", "The attention changes the number of channels");
    }
    const NormOfMap norm = normOf(layer.norms[0], *position_);
    AttentionOperation& operation = append(AttentionOperation{position_->map, norm, {}, {}});
    WeightBlock& block = network_.block_;
    block.add(layer.norms[0], operation.norm.parameters);
    block.add({query, key, value}, {layer.scale, 1.0, 1.0}, network_.operand_, kAttentionRows,
              operation.queryKeyValue);
    block.add({output}, {1.0}, network_.operand_, kAttentionRows, operation.output);
    position_->writer = lastOperation();
    isRectified_ = false;
  }

  Network& network_;
  const dnnl::engine& engine_;
  lc_pixel_range range_ = LC_PIXELS_SIGNED;
  std::optional<Position> position_;
  // Whether the map there has a ReLU behind it.
  bool isRectified_ = false;
};

Network::Network(const lc_network& network, const dnnl::engine& engine, const Kernels& kernels,
                 DeviceMemory& memory)
    : operand_(operandOf(network.precision)), block_(memory, engine, kernels) {
  Reader(*this, engine).read(network);
  block_.fill();
}

}  // namespace lc::onednn
