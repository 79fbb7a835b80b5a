#include "onednn/reference.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lc::test {
namespace {

// Of one image: (channels, height, width).
struct Map {
  std::size_t channels;
  std::size_t height;
  std::size_t width;
  std::vector<double> values;

  Map(std::size_t channelCount, std::size_t rows, std::size_t columns)
      : channels(channelCount), height(rows), width(columns), values(channelCount * rows * columns) {}
  double* row(std::size_t channel, std::size_t y) { return values.data() + (channel * height + y) * width; }
  const double* row(std::size_t channel, std::size_t y) const {
    return values.data() + (channel * height + y) * width;
  }
};

Map mapOf(const std::uint8_t* pixels, lc_pixel_range range, const lc_shape& shape) {
  constexpr std::size_t kColours = 3;
  Map map(kColours, shape.height, shape.width);
  const std::size_t plane = map.height * map.width;
  for (std::size_t i = 0; i < plane * kColours; ++i) {
    map.values[i % kColours * plane + i / kColours] =
        range == LC_PIXELS_UNIT ? pixels[i] / 255.0 : pixels[i] / 127.5 - 1.0;
  }
  return map;
}

Map padded(const Map& source, const std::uint32_t (&padding)[4]) {
  const auto [top, left, bottom, right] = padding;
  Map target(source.channels, source.height + top + bottom, source.width + left + right);
  for (std::size_t channel = 0; channel < source.channels; ++channel) {
    for (std::size_t y = 0; y < source.height; ++y) {
      std::copy_n(source.row(channel, y), source.width, target.row(channel, y + top) + left);
    }
  }
  return target;
}

Map convolve(const lc_conv& conv, const Map& unpadded) {
  const Map source = padded(unpadded, conv.padding);
  const std::size_t kernel = conv.kernel;
  const std::size_t stride = conv.stride;
  Map target(conv.outputs, (source.height - kernel) / stride + 1, (source.width - kernel) / stride + 1);
  const float* weight = conv.weight;
  for (std::size_t output = 0; output < target.channels; ++output) {
    const double bias = conv.bias == nullptr ? 0.0 : double{conv.bias[output]};
    std::fill_n(target.row(output, 0), target.height * target.width, bias);
    for (std::size_t input = 0; input < source.channels; ++input) {
      for (std::size_t tap = 0; tap < kernel * kernel; ++tap, ++weight) {
        for (std::size_t y = 0; y < target.height; ++y) {
          const double* from = source.row(input, y * stride + tap / kernel) + tap % kernel;
          double* to = target.row(output, y);
          for (std::size_t x = 0; x < target.width; ++x) to[x] += *weight * from[x * stride];
        }
      }
    }
  }
  return target;
}

Map normalizePixels(const lc_norm& norm, Map map) {
  const std::size_t plane = map.height * map.width;
  for (std::size_t pixel = 0; pixel < plane; ++pixel) {
    double squares = 0;
    for (std::size_t c = 0; c < map.channels; ++c) {
      squares += map.values[c * plane + pixel] * map.values[c * plane + pixel];
    }
    const double length = std::max(std::sqrt(squares), norm.epsilon);
    for (std::size_t c = 0; c < map.channels; ++c) {
      map.values[c * plane + pixel] *= std::sqrt(static_cast<double>(map.channels)) / length * norm.weight[c];
    }
  }
  return map;
}

Map normalize(const lc_norm& norm, Map map) {
  if (norm.kind == LC_NORM_RMS) return normalizePixels(norm, std::move(map));
  const std::size_t size = map.channels / norm.groups;
  const std::size_t plane = map.height * map.width;
  const auto count = static_cast<double>(size * plane);
  for (std::size_t group = 0; group < norm.groups; ++group) {
    double* values = map.row(group * size, 0);
    double mean = 0;
    for (std::size_t i = 0; i < size * plane; ++i) mean += values[i] / count;
    double variance = 0;
    for (std::size_t i = 0; i < size * plane; ++i)
      variance += (values[i] - mean) * (values[i] - mean) / count;
    for (std::size_t i = 0; i < size * plane; ++i) {
      const std::size_t channel = group * size + i / plane;
      values[i] =
          (values[i] - mean) / std::sqrt(variance + norm.epsilon) * norm.weight[channel] + norm.bias[channel];
    }
  }
  return map;
}

Map silu(Map map) {
  for (double& x : map.values) x /= 1.0 + std::exp(-x);
  return map;
}

Map relu(Map map) {
  for (double& x : map.values) x = std::max(x, 0.0);
  return map;
}

Map sum(Map map, const Map& other) {
  for (std::size_t i = 0; i < map.values.size(); ++i) map.values[i] += other.values[i];
  return map;
}

Map residual(const lc_layer& layer, const Map& source) {
  const Map inner = convolve(layer.convs[0], silu(normalize(layer.norms[0], source)));
  const Map outer = convolve(layer.convs[1], silu(normalize(layer.norms[1], inner)));
  return sum(outer, layer.convs[2].weight == nullptr ? source : convolve(layer.convs[2], source));
}

Map attention(const lc_layer& layer, const Map& source) {
  const Map normalized = normalize(layer.norms[0], source);
  const Map query = convolve(layer.convs[0], normalized);
  const Map key = convolve(layer.convs[1], normalized);
  const Map value = convolve(layer.convs[2], normalized);
  const std::size_t tokens = source.height * source.width;
  Map attended(source.channels, source.height, source.width);
  std::vector<double> weights(tokens);
  for (std::size_t token = 0; token < tokens; ++token) {
    std::fill(weights.begin(), weights.end(), 0.0);
    for (std::size_t channel = 0; channel < source.channels; ++channel) {
      const double factor = query.row(channel, 0)[token] * layer.scale;
      for (std::size_t other = 0; other < tokens; ++other)
        weights[other] += factor * key.row(channel, 0)[other];
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    double total = 0;
    for (double& weight : weights) total += weight = std::exp(weight - largest);
    for (std::size_t channel = 0; channel < source.channels; ++channel) {
      double& result = attended.row(channel, 0)[token];
      for (std::size_t other = 0; other < tokens; ++other) {
        result += weights[other] / total * value.row(channel, 0)[other];
      }
    }
  }
  return sum(convolve(layer.convs[3], attended), source);
}

// Channels: row, column, channel.
Map spaceToDepth(const Map& source) {
  Map target(4 * source.channels, source.height / 2, source.width / 2);
  for (std::size_t c = 0; c < target.channels; ++c) {
    const std::size_t row = c / source.channels / 2;
    const std::size_t column = c / source.channels % 2;
    for (std::size_t y = 0; y < target.height; ++y) {
      const double* from = source.row(c % source.channels, 2 * y + row) + column;
      for (std::size_t x = 0; x < target.width; ++x) target.row(c, y)[x] = from[2 * x];
    }
  }
  return target;
}

Map groupMean(const Map& source, std::size_t channels) {
  Map target(channels, source.height, source.width);
  const std::size_t group = source.channels / channels;
  const std::size_t plane = source.height * source.width;
  for (std::size_t c = 0; c < source.channels; ++c) {
    for (std::size_t i = 0; i < plane; ++i) {
      target.row(c / group, 0)[i] += source.row(c, 0)[i] / static_cast<double>(group);
    }
  }
  return target;
}

Map depthLayer(const lc_layer& layer, const Map& source) {
  const Map outer = spaceToDepth(convolve(layer.convs[0], source));
  return sum(outer, groupMean(spaceToDepth(source), outer.channels));
}

Map normConvMean(const lc_layer& layer, const Map& source) {
  const Map outer = convolve(layer.convs[0], silu(normalize(layer.norms[0], source)));
  Map means = groupMean(source, outer.channels);
  for (double& mean : means.values) mean *= layer.scale;
  return sum(outer, means);
}

Map reluBlock(const lc_layer& layer, const Map& source) {
  const Map first = relu(convolve(layer.convs[0], source));
  const Map second = relu(convolve(layer.convs[1], first));
  return relu(sum(convolve(layer.convs[2], second), source));
}

Map apply(const lc_layer& layer, const Map& map) {
  switch (layer.kind) {
    case LC_LAYER_NORM_SILU:
      return silu(normalize(layer.norms[0], map));
    case LC_LAYER_RESIDUAL:
      return residual(layer, map);
    case LC_LAYER_ATTENTION:
      return attention(layer, map);
    case LC_LAYER_SPACE_TO_DEPTH:
      return depthLayer(layer, map);
    case LC_LAYER_NORM_CONV_MEAN:
      return normConvMean(layer, map);
    case LC_LAYER_RELU_BLOCK:
      return reluBlock(layer, map);
    default:
      return convolve(layer.convs[0], map);
  }
}

}  // namespace

std::vector<double> referenceMoments(const lc_network& network, const lc_shape& shape,
                                     const std::vector<std::uint8_t>& pixels) {
  std::vector<double> moments;
  const std::size_t imageBytes = pixels.size() / shape.count;
  for (std::size_t image = 0; image < shape.count; ++image) {
    Map map = mapOf(pixels.data() + image * imageBytes, network.range, shape);
    for (std::uint32_t i = 0; i < network.layer_count; ++i) map = apply(network.layers[i], map);
    moments.insert(moments.end(), map.values.begin(), map.values.end());
  }
  return moments;
}

}  // namespace lc::test
