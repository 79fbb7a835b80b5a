// OpenCV 4.x INTER_AREA, shrinking on both axes.
#include <algorithm>
#include <cmath>

#include "axis_table.h"

namespace lc::pixels {
namespace {

// A partly covered source pixel counts only if more than this part of it lies in the cell (OpenCV's
// constant).
constexpr double kSmallestShare = 1e-3;

// The source pixels under one output pixel: [first, first + whole) plus the partly covered ends.
struct Cell {
  int first;
  std::vector<float> weights;
};

Cell cellOf(int output, int source, double scale) {
  const double begin = output * scale;
  const double end = begin + scale;
  const double width = std::min(scale, source - begin);
  const int wholeEnd = std::min(static_cast<int>(std::floor(end)), source - 1);
  const int wholeBegin = std::min(static_cast<int>(std::ceil(begin)), wholeEnd);

  Cell cell{wholeBegin, {}};
  if (wholeBegin - begin > kSmallestShare) {
    cell.first = wholeBegin - 1;
    cell.weights.push_back(static_cast<float>((wholeBegin - begin) / width));
  }
  cell.weights.insert(cell.weights.end(), static_cast<std::size_t>(wholeEnd - wholeBegin),
                      static_cast<float>(1.0 / width));
  if (end - wholeEnd > kSmallestShare) {
    cell.weights.push_back(static_cast<float>(std::min({end - wholeEnd, 1.0, width}) / width));
  }
  return cell;
}

}  // namespace

double openCvScale(int source, int resized) {
  return 1.0 / (static_cast<double>(resized) / source);
}

AxisTable<float> areaTable(int source, int resized, Range outputs) {
  const double scale = openCvScale(source, resized);
  std::vector<Cell> cells;
  cells.reserve(static_cast<std::size_t>(outputs.size()));
  std::size_t taps = 0;
  for (int output = outputs.begin; output < outputs.end; ++output) {
    cells.push_back(cellOf(output, source, scale));
    taps = std::max(taps, cells.back().weights.size());
  }

  AxisTable<float> table;
  table.taps = static_cast<int>(taps);
  table.first.reserve(cells.size());
  table.weights.reserve(cells.size() * taps);
  for (const Cell& cell : cells) {
    table.first.push_back(cell.first);
    table.weights.insert(table.weights.end(), cell.weights.begin(), cell.weights.end());
    table.weights.resize(table.first.size() * taps);
  }
  return table;
}

}  // namespace lc::pixels
