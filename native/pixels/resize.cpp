// Which algorithm a call gets, decided as OpenCV 4.x and Pillow 9.x decide.
#include <cfloat>
#include <cmath>
#include <cstring>

#include "axis_table.h"
#include "resize_job.h"

namespace lc::pixels {
namespace {

void copyWindow(const ResizeJob& job) {
  for (int y = 0; y < job.window.height; ++y) {
    std::memcpy(job.targetRow(y), job.sourceRow(job.window.top + y) + job.rowBytes(job.window.left),
                job.rowBytes(job.window.width));
  }
}

// OpenCV's test for a whole number of source pixels for each output pixel; the number or 0.
int wholeScale(int source, int resized) {
  const double scale = openCvScale(source, resized);
  const auto rounded = static_cast<int>(std::lrint(scale));
  return std::abs(scale - rounded) < DBL_EPSILON ? rounded : 0;
}

bool shrinksOrKeeps(Size source, Size resized) {
  return source.width >= resized.width && source.height >= resized.height;
}

void resizeByOpenCvArea(const ResizeJob& job) {
  const Size source = job.source.size;
  if (!shrinksOrKeeps(source, job.resized)) return resizeByAreaLinear(job);
  const int columns = wholeScale(source.width, job.resized.width);
  const int rows = wholeScale(source.height, job.resized.height);
  return columns != 0 && rows != 0 ? resizeByBoxMean(job, columns, rows) : resizeByArea(job);
}

void resizeByOpenCvLinear(const ResizeJob& job) {
  const Size source = job.source.size;
  const bool halves =
      wholeScale(source.width, job.resized.width) == 2 && wholeScale(source.height, job.resized.height) == 2;
  return halves ? resizeByBoxMean(job, 2, 2) : resizeByLinear(job);
}

}  // namespace

void resizeAndCrop(const Kernels& kernels, const Image& source, Size resized, Interpolation interpolation,
                   Window window, std::uint8_t* target) {
  const ResizeJob job{kernels, source, resized, window, target};
  if (source.size.width == resized.width && source.size.height == resized.height) return copyWindow(job);
  switch (interpolation) {
    case Interpolation::kArea:
      return resizeByOpenCvArea(job);
    case Interpolation::kLanczos:
      return resizeByLanczos(job);
    case Interpolation::kBox:
      return resizeByPillowBox(job);
    case Interpolation::kBilinear:
      return resizeByOpenCvLinear(job);
    case Interpolation::kBicubic:
      return resizeByCubic(job);
    case Interpolation::kNearest:
      return resizeByNearest(job);
    case Interpolation::kPillowBicubic:
      return resizeByPillowBicubic(job);
  }
}

void resizeAndCrop(const Image& source, Size resized, Interpolation interpolation, Window window,
                   std::uint8_t* target) {
  resizeAndCrop(kernels(), source, resized, interpolation, window, target);
}

}  // namespace lc::pixels
