// Pillow's Image.resize: along the rows first, rounded to bytes, then down the columns. An axis that keeps
// its length is not filtered. RGBA is filtered premultiplied.
#include <cstring>

#include "column_filter.h"
#include "resize_job.h"
#include "row_cache.h"

namespace lc::pixels {
namespace {

using Table = AxisTable<std::int32_t>;

// Source rows from some column on, premultiplied where they have alpha.
class SourceRows {
 public:
  SourceRows(const ResizeJob& job, Range columns) : job_(job), columns_(columns) {
    if (job.source.channels == 4) premultiplied_.resize(job.rowBytes(columns.size()) * kPackedRows);
  }

  FourRows<const std::uint8_t> four(const RowNumbers& rows) {
    FourRows<const std::uint8_t> result;
    for (std::size_t i = 0; i < kPackedRows; ++i) {
      result.row[i] = job_.sourceRow(rows[i]) + job_.rowBytes(columns_.begin);
      if (job_.source.channels == 3) continue;
      std::uint8_t* const target = premultiplied_.data() + i * job_.rowBytes(columns_.size());
      job_.kernels.premultiply(result.row[i], static_cast<std::size_t>(columns_.size()), target);
      result.row[i] = target;
    }
    return result;
  }

 private:
  const ResizeJob& job_;
  Range columns_;
  std::vector<std::uint8_t> premultiplied_;
};

// Spare taps at the end cost a row each.
int trimmedTaps(const std::int32_t* weights, int taps) {
  while (taps > 1 && weights[taps - 1] == 0) --taps;
  return taps;
}

// rowAt(y) is the filtered source row y.
template <typename RowAt>
void filterDown(const ResizeJob& job, const Table& table, RowAt&& rowAt) {
  std::vector<const std::uint8_t*> rows(static_cast<std::size_t>(table.taps));
  for (int y = 0; y < job.window.height; ++y) {
    const std::int32_t* const weights = table.weights.data() + std::ptrdiff_t{y} * table.taps;
    const int taps = trimmedTaps(weights, table.taps);
    for (int k = 0; k < taps; ++k) {
      rows[static_cast<std::size_t>(k)] = rowAt(table.first[static_cast<std::size_t>(y)] + k);
    }
    job.kernels.pillowRow({rows.data(), weights, taps, 0, job.rowBytes(job.window.width)}, job.targetRow(y));
  }
}

Table keepTable(Range outputs) {
  Table table{1, {}, {}};
  for (int output = outputs.begin; output < outputs.end; ++output) {
    table.first.push_back(output);
    table.weights.push_back(1 << kPillowPrecisionBits);
  }
  return table;
}

Table tableOf(PillowFilter filter, int source, int resized, Range outputs) {
  return source == resized ? keepTable(outputs) : pillowTable(filter, source, resized, outputs);
}

void resizeByPillow(const ResizeJob& job, PillowFilter kind) {
  const Window& window = job.window;
  const Size source = job.source.size;
  const Table table = tableOf(kind, source.height, job.resized.height, job.rows());
  const std::size_t elements = job.rowBytes(window.width);
  RowCache<std::uint8_t> cache(rowsUnder(table, source.height), table.taps, elements);

  if (source.width != job.resized.width) {
    ColumnFilter<std::int32_t> filter(job, pillowTable(kind, source.width, job.resized.width, job.columns()));
    SourceRows sourceRows(job, filter.sourceColumns());
    const auto makeFour = [&](const RowNumbers& rows, FourRows<std::uint8_t> out) {
      job.kernels.pillowColumns(filter.pack(sourceRows.four(rows)), filter.columns(), job.source.channels,
                                out);
    };
    filterDown(job, table, [&](int y) { return cache.row(y, makeFour); });
  } else if (job.source.channels == 4) {
    SourceRows sourceRows(job, job.columns());
    const auto makeFour = [&](const RowNumbers& rows, FourRows<std::uint8_t> out) {
      const FourRows<const std::uint8_t> in = sourceRows.four(rows);
      for (int i = 0; i < kPackedRows; ++i) std::memcpy(out.row[i], in.row[i], elements);
    };
    filterDown(job, table, [&](int y) { return cache.row(y, makeFour); });
  } else {
    filterDown(job, table, [&](int y) { return job.sourceRow(y) + job.rowBytes(window.left); });
  }

  if (job.source.channels == 4) {
    const std::size_t pixels =
        static_cast<std::size_t>(window.width) * static_cast<std::size_t>(window.height);
    job.kernels.unpremultiply(job.target, pixels);
  }
}

}  // namespace

void resizeByLanczos(const ResizeJob& job) {
  resizeByPillow(job, PillowFilter::kLanczos);
}

void resizeByPillowBox(const ResizeJob& job) {
  resizeByPillow(job, PillowFilter::kBox);
}

void resizeByPillowBicubic(const ResizeJob& job) {
  resizeByPillow(job, PillowFilter::kBicubic);
}

}  // namespace lc::pixels
