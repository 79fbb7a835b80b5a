// The horizontal pass: packs four source rows and holds the column table that goes over them.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "resize_job.h"

namespace lc::pixels {

template <typename Weight>
class ColumnFilter {
 public:
  ColumnFilter(const ResizeJob& job, AxisTable<Weight> table) : job_(job), table_(std::move(table)) {
    // Only the source columns under the window are packed.
    const int begin = *std::min_element(table_.first.begin(), table_.first.end());
    const int last = *std::max_element(table_.first.begin(), table_.first.end());
    source_ = {begin, std::min(last + table_.taps, job.source.size.width)};
    for (int& first : table_.first) first -= begin;
    packed_.resize(static_cast<std::size_t>(last - begin + table_.taps) * kPackedPixel);
  }

  Range sourceColumns() const { return source_; }

  // The rows start at sourceColumns().begin. The result lives until the next call.
  const std::uint8_t* pack(FourRows<const std::uint8_t> rows) {
    job_.kernels.packRows(rows, job_.source.channels, static_cast<std::size_t>(source_.size()),
                          packed_.data());
    return packed_.data();
  }

  const std::uint8_t* pack(const RowNumbers& sourceRows) {
    FourRows<const std::uint8_t> rows;
    for (std::size_t i = 0; i < kPackedRows; ++i) {
      rows.row[i] = job_.sourceRow(sourceRows[i]) + job_.rowBytes(source_.begin);
    }
    return pack(rows);
  }

  Columns<Weight> columns() const {
    return {table_.first.data(), table_.weights.data(), table_.taps, static_cast<int>(table_.first.size())};
  }

 private:
  const ResizeJob& job_;
  AxisTable<Weight> table_;
  Range source_{0, 0};
  std::vector<std::uint8_t> packed_;
};

}  // namespace lc::pixels
