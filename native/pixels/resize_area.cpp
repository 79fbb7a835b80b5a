// OpenCV INTER_AREA where no axis is enlarged: the mean of the source pixels under each output pixel.
#include "column_filter.h"
#include "resize_job.h"
#include "row_cache.h"

namespace lc::pixels {

// In float32, first along the rows, then down the columns, each in source order: OpenCV's order of roundings.
void resizeByArea(const ResizeJob& job) {
  const Size source = job.source.size;
  const AxisTable<float> table = areaTable(source.height, job.resized.height, job.rows());
  ColumnFilter<float> filter(job, areaTable(source.width, job.resized.width, job.columns()));
  const std::size_t elements = job.rowBytes(job.window.width);
  RowCache<float> cache(rowsUnder(table, source.height), table.taps, elements);
  const auto makeFour = [&](const RowNumbers& rows, FourRows<float> out) {
    job.kernels.areaColumns(filter.pack(rows), filter.columns(), job.source.channels, out);
  };

  std::vector<const float*> rows(static_cast<std::size_t>(table.taps));
  for (int y = 0; y < job.window.height; ++y) {
    const float* const weights = table.weights.data() + std::ptrdiff_t{y} * table.taps;
    for (int k = 0; k < table.taps; ++k) {
      const int row = std::min(table.first[static_cast<std::size_t>(y)] + k, source.height - 1);
      rows[static_cast<std::size_t>(k)] = cache.row(row, makeFour);
    }
    job.kernels.areaRow({rows.data(), weights, table.taps, 0, elements}, job.targetRow(y));
  }
}

void resizeByBoxMean(const ResizeJob& job, int boxColumns, int boxRows) {
  const Window& window = job.window;
  const std::size_t left = job.rowBytes(window.left) * static_cast<std::size_t>(boxColumns);
  std::vector<const std::uint8_t*> rows(static_cast<std::size_t>(boxRows));
  for (int y = 0; y < window.height; ++y) {
    for (int k = 0; k < boxRows; ++k) {
      rows[static_cast<std::size_t>(k)] = job.sourceRow((window.top + y) * boxRows + k) + left;
    }
    job.kernels.boxRow(
        {rows.data(), boxRows, boxColumns, job.source.channels, 0, static_cast<std::size_t>(window.width)},
        job.targetRow(y));
  }
}

}  // namespace lc::pixels
