// What the resamplers have in common: the job, and one function for each algorithm.
#pragma once

#include <array>

#include "axis_table.h"
#include "kernels.h"
#include "pixels.h"

namespace lc::pixels {

using RowNumbers = std::array<int, kPackedRows>;

struct ResizeJob {
  const Kernels& kernels;
  Image source;
  Size resized;
  Window window;
  std::uint8_t* target;

  Range columns() const { return {window.left, window.left + window.width}; }
  Range rows() const { return {window.top, window.top + window.height}; }

  const std::uint8_t* sourceRow(int y) const {
    return source.data + static_cast<std::size_t>(y) * rowBytes(source.size.width);
  }
  // `y` counts from the window's top.
  std::uint8_t* targetRow(int y) const {
    return target + static_cast<std::size_t>(y) * rowBytes(window.width);
  }
  std::size_t rowBytes(int pixels) const {
    return static_cast<std::size_t>(pixels) * static_cast<std::size_t>(source.channels);
  }
};

// The sizes differ and the window lies inside the resized image.
void resizeByNearest(const ResizeJob& job);
void resizeByBoxMean(const ResizeJob& job, int boxColumns, int boxRows);
void resizeByArea(const ResizeJob& job);
void resizeByLinear(const ResizeJob& job);
void resizeByAreaLinear(const ResizeJob& job);
void resizeByCubic(const ResizeJob& job);
void resizeByLanczos(const ResizeJob& job);
void resizeByPillowBox(const ResizeJob& job);
void resizeByPillowBicubic(const ResizeJob& job);

// resizeAndCrop() with a chosen set of kernels.
void resizeAndCrop(const Kernels& kernels, const Image& source, Size resized, Interpolation interpolation,
                   Window window, std::uint8_t* target);

}  // namespace lc::pixels
