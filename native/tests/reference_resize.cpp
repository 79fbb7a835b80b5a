#include "reference_resize.h"

#include <algorithm>
#include <cmath>

#include "axis_table.h"

namespace lc::test {
namespace {

using namespace lc::pixels;
using Fixed = std::int32_t;

template <typename Value>
struct Plane {
  Plane(Size planeSize, int planeChannels)
      : size(planeSize),
        channels(planeChannels),
        values(static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height) *
               static_cast<std::size_t>(channels)) {}

  Value& at(int x, int y, int c) {
    const std::ptrdiff_t pixel = std::ptrdiff_t{y} * size.width + x;
    return values[static_cast<std::size_t>(pixel * channels + c)];
  }
  // Beyond an edge lies the edge.
  Value clamped(int x, int y, int c) {
    return at(std::clamp(x, 0, size.width - 1), std::clamp(y, 0, size.height - 1), c);
  }

  Size size;
  int channels;
  std::vector<Value> values;
};

using Bytes = Plane<std::uint8_t>;

Bytes bytesOf(const Image& image) {
  Bytes bytes(image.size, image.channels);
  std::copy_n(image.data, bytes.values.size(), bytes.values.begin());
  return bytes;
}

std::uint8_t saturate(long value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0L, 255L));
}

// make(x, y, c) is the value of a new plane.
template <typename Value, typename Make>
Plane<Value> makePlane(Size size, int channels, Make&& make) {
  Plane<Value> plane(size, channels);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < channels; ++c) plane.at(x, y, c) = make(x, y, c);
    }
  }
  return plane;
}

// The sum over the taps of output `i`; valueAt(position) is the source value.
template <typename Sum, typename Weight, typename ValueAt>
Sum tapSum(const AxisTable<Weight>& table, int i, Sum start, ValueAt&& valueAt) {
  for (int k = 0; k < table.taps; ++k) {
    const Weight weight = table.weights[static_cast<std::size_t>(i * table.taps + k)];
    start += static_cast<Sum>(valueAt(table.first[static_cast<std::size_t>(i)] + k)) * weight;
  }
  return start;
}

bool isWhole(double scale) {
  return std::abs(scale - std::nearbyint(scale)) < 2.220446049250313e-16;
}

Bytes boxMean(Bytes source, Size resized) {
  const int width = source.size.width / resized.width;
  const int height = source.size.height / resized.height;
  return makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
    int sum = 0;
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) sum += source.at(x * width + i, y * height + j, c);
    }
    if (width == 2 && height == 2) return saturate((sum + 2) >> 2);
    return saturate(std::lrint(static_cast<float>(sum) * (1.0F / static_cast<float>(width * height))));
  });
}

Bytes area(Bytes source, Size resized) {
  const auto columns = areaTable(source.size.width, resized.width, {0, resized.width});
  const auto rows = areaTable(source.size.height, resized.height, {0, resized.height});
  auto wide =
      makePlane<float>({resized.width, source.size.height}, source.channels, [&](int x, int y, int c) {
        return tapSum(columns, x, 0.0F, [&](int at) { return source.clamped(at, y, c); });
      });
  return makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
    return saturate(std::lrint(tapSum(rows, y, 0.0F, [&](int at) { return wide.clamped(x, at, c); })));
  });
}

Bytes linear(Bytes source, Size resized, AxisTable<Fixed> columns, const AxisTable<Fixed>& rows) {
  // A row's left tap on or beyond an edge means the edge pixel alone.
  auto wide =
      makePlane<Fixed>({resized.width, source.size.height}, source.channels, [&](int x, int y, int c) {
        const int left = columns.first[static_cast<std::size_t>(x)];
        if (left < 0 || left >= source.size.width - 1) return source.clamped(left, y, c) * 2048;
        return tapSum(columns, x, 0, [&](int at) { return source.at(at, y, c); });
      });
  return makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
    int sum = 2;
    for (int k = 0; k < 2; ++k) {
      const Fixed value = wide.clamped(x, rows.first[static_cast<std::size_t>(y)] + k, c);
      sum += (rows.weights[static_cast<std::size_t>(y * 2 + k)] * (value >> 4)) >> 16;
    }
    return saturate(sum >> 2);
  });
}

Bytes cubic(Bytes source, Size resized) {
  const auto columns = cubicTable(source.size.width, resized.width, {0, resized.width});
  const auto rows = cubicTable(source.size.height, resized.height, {0, resized.height});
  auto wide =
      makePlane<Fixed>({resized.width, source.size.height}, source.channels, [&](int x, int y, int c) {
        return tapSum(columns, x, 0, [&](int at) { return source.clamped(at, y, c); });
      });
  const int vectorEnd = resized.width * source.channels / 8 * 8;
  return makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
    const auto valueAt = [&](int at) { return wide.clamped(x, at, c); };
    if (x * source.channels + c >= vectorEnd) return saturate(tapSum(rows, y, 1 << 21, valueAt) >> 22);
    float sum = 0.0F;
    for (int k = 3; k >= 0; --k) {
      const float weight = static_cast<float>(rows.weights[static_cast<std::size_t>(y * 4 + k)]) / 4194304.0F;
      sum += static_cast<float>(valueAt(rows.first[static_cast<std::size_t>(y)] + k)) * weight;
    }
    return saturate(std::lrint(sum));
  });
}

Bytes nearest(Bytes source, Size resized) {
  const auto sourceOf = [](int output, int from, int to) {
    const std::int64_t step = ((std::int64_t{from} << 16) + to / 2) / to;
    return static_cast<int>((step * output + step / 2 - 1) >> 16);
  };
  return makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
    return source.clamped(sourceOf(x, source.size.width, resized.width),
                          sourceOf(y, source.size.height, resized.height), c);
  });
}

Bytes pillow(Bytes source, Size resized, PillowFilter filter) {
  const Size sourceSize = source.size;
  if (source.channels == 4) {
    source = makePlane<std::uint8_t>(sourceSize, 4, [&](int x, int y, int c) {
      if (c == 3) return source.at(x, y, 3);
      return saturate(std::lround(source.at(x, y, c) * source.at(x, y, 3) / 255.0));
    });
  }
  if (sourceSize.width != resized.width) {
    const auto columns = pillowTable(filter, sourceSize.width, resized.width, {0, resized.width});
    source = makePlane<std::uint8_t>(
        {resized.width, sourceSize.height}, source.channels, [&](int x, int y, int c) {
          return saturate(tapSum(columns, x, 1 << 21, [&](int at) { return source.clamped(at, y, c); }) >>
                          22);
        });
  }
  if (sourceSize.height != resized.height) {
    const auto rows = pillowTable(filter, sourceSize.height, resized.height, {0, resized.height});
    source = makePlane<std::uint8_t>(resized, source.channels, [&](int x, int y, int c) {
      return saturate(tapSum(rows, y, 1 << 21, [&](int at) { return source.clamped(x, at, c); }) >> 22);
    });
  }
  if (source.channels == 3) return source;
  return makePlane<std::uint8_t>(resized, 4, [&](int x, int y, int c) {
    const int alpha = source.at(x, y, 3);
    if (c == 3 || alpha == 0 || alpha == 255) return source.at(x, y, c);
    return saturate(255 * source.at(x, y, c) / alpha);
  });
}

Bytes openCv(const Bytes& source, Size resized, Interpolation interpolation) {
  const Size from = source.size;
  const double scaleX = openCvScale(from.width, resized.width);
  const double scaleY = openCvScale(from.height, resized.height);
  const bool isBox = isWhole(scaleX) && isWhole(scaleY);
  if (interpolation == Interpolation::kBicubic) return cubic(source, resized);
  if (interpolation == Interpolation::kNearest) return nearest(source, resized);
  if (interpolation == Interpolation::kBilinear) {
    if (isBox && std::lrint(scaleX) == 2 && std::lrint(scaleY) == 2) return boxMean(source, resized);
    return linear(source, resized, linearTable(from.width, resized.width, {0, resized.width}),
                  linearTable(from.height, resized.height, {0, resized.height}));
  }
  if (scaleX >= 1 && scaleY >= 1) return isBox ? boxMean(source, resized) : area(source, resized);
  return linear(source, resized, areaLinearTable(from.width, resized.width, {0, resized.width}),
                areaLinearTable(from.height, resized.height, {0, resized.height}));
}

}  // namespace

std::vector<std::uint8_t> referenceResize(const Image& image, Size resized, Interpolation interpolation) {
  const Bytes source = bytesOf(image);
  if (image.size.width == resized.width && image.size.height == resized.height) return source.values;
  if (interpolation == Interpolation::kLanczos) return pillow(source, resized, PillowFilter::kLanczos).values;
  if (interpolation == Interpolation::kBox) return pillow(source, resized, PillowFilter::kBox).values;
  if (interpolation == Interpolation::kPillowBicubic) {
    return pillow(source, resized, PillowFilter::kBicubic).values;
  }
  return openCv(source, resized, interpolation).values;
}

}  // namespace lc::test
