// The vertical pass reads horizontally filtered rows; this keeps just as many as one output row needs. They
// are made four at a time, in order, and rows that no output needs are never made.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "resize_job.h"

namespace lc::pixels {

// The source rows that the table's taps fall on; taps beyond an edge fall on the edge.
template <typename Weight>
std::vector<int> rowsUnder(const AxisTable<Weight>& table, int sourceHeight) {
  std::vector<int> rows;
  for (const int first : table.first) {
    for (int y = first; y < first + table.taps; ++y) {
      const int row = std::clamp(y, 0, sourceHeight - 1);
      if (rows.empty() || row > rows.back()) rows.push_back(row);
    }
  }
  return rows;
}

template <typename Element>
class RowCache {
 public:
  // `needed` ascends; `taps` rows stay valid at a time; each has `elements`.
  RowCache(std::vector<int> needed, int taps, std::size_t elements)
      : needed_(std::move(needed)),
        capacity_(static_cast<std::size_t>(taps + kPackedRows - 1)),
        stride_(elements + kSpare),
        elements_(capacity_ * stride_) {}

  // Rows are asked for in ascending order, apart from going back by less than `taps`. makeFour(RowNumbers,
  // FourRows<Element> out) makes those that are missing.
  template <typename MakeFour>
  const Element* row(int source, MakeFour&& makeFour) {
    while (needed_[cursor_] < source) ++cursor_;
    while (needed_[cursor_] > source) --cursor_;
    while (made_ <= cursor_) {
      RowNumbers rows;
      FourRows<Element> out;
      for (std::size_t i = 0; i < kPackedRows; ++i) {
        rows[i] = needed_[std::min(made_ + i, needed_.size() - 1)];
        out.row[i] = slot(made_ + i);
      }
      makeFour(rows, out);
      made_ += kPackedRows;
    }
    return slot(cursor_);
  }

 private:
  // The filters write up to an element more than a row has; the rest keeps rows off each other's cache lines.
  static constexpr std::size_t kSpare = 16;

  Element* slot(std::size_t index) { return elements_.data() + index % capacity_ * stride_; }

  std::vector<int> needed_;
  std::size_t capacity_;
  std::size_t stride_;
  std::vector<Element> elements_;
  std::size_t cursor_ = 0;
  std::size_t made_ = 0;
};

}  // namespace lc::pixels
