// OpenCV's fixed-point resamplers for 8-bit images: INTER_LINEAR, INTER_CUBIC, and what INTER_AREA does when
// an axis is enlarged. The horizontal pass is exact in integers; the vertical pass rounds.
#include "column_filter.h"
#include "resize_job.h"
#include "row_cache.h"

namespace lc::pixels {
namespace {

using Table = AxisTable<std::int32_t>;

// Along a row OpenCV takes the edge pixel alone, at full weight, once the left tap is on or beyond an edge.
void holdEdges(Table& linear, int source) {
  for (std::size_t i = 0; i < linear.first.size(); ++i) {
    if (linear.first[i] >= 0 && linear.first[i] < source - 1) continue;
    linear.first[i] = std::clamp(linear.first[i], 0, source - 1);
    linear.weights[i * 2] = 1 << kOpenCvCoefficientBits;
    linear.weights[i * 2 + 1] = 0;
  }
}

// Moves the weights of taps beyond an edge onto the edge pixel; integer sums stay the same.
void foldEdges(Table& table, int source) {
  std::vector<std::int32_t> folded(static_cast<std::size_t>(table.taps));
  for (std::size_t i = 0; i < table.first.size(); ++i) {
    const int first = std::clamp(table.first[i], 0, std::max(source - table.taps, 0));
    std::int32_t* const weights = table.weights.data() + i * folded.size();
    std::fill(folded.begin(), folded.end(), 0);
    for (int k = 0; k < table.taps; ++k) {
      const int pixel = std::clamp(table.first[i] + k, 0, source - 1);
      folded[static_cast<std::size_t>(pixel - first)] += weights[k];
    }
    std::copy(folded.begin(), folded.end(), weights);
    table.first[i] = first;
  }
}

// finishRow(RowSum, out) makes one output row.
template <typename FinishRow>
void resizeSeparably(const ResizeJob& job, Table columns, const Table& table, FinishRow&& finishRow) {
  foldEdges(columns, job.source.size.width);
  ColumnFilter<std::int32_t> filter(job, std::move(columns));
  const std::size_t elements = job.rowBytes(job.window.width);
  RowCache<std::int32_t> cache(rowsUnder(table, job.source.size.height), table.taps, elements);
  const auto makeFour = [&](const RowNumbers& rows, FourRows<std::int32_t> out) {
    job.kernels.openCvColumns(filter.pack(rows), filter.columns(), job.source.channels, out);
  };

  std::vector<const std::int32_t*> rows(static_cast<std::size_t>(table.taps));
  for (int y = 0; y < job.window.height; ++y) {
    for (int k = 0; k < table.taps; ++k) {
      const int row = std::clamp(table.first[static_cast<std::size_t>(y)] + k, 0, job.source.size.height - 1);
      rows[static_cast<std::size_t>(k)] = cache.row(row, makeFour);
    }
    const std::int32_t* const weights = table.weights.data() + std::ptrdiff_t{y} * table.taps;
    finishRow(RowSum<std::int32_t, std::int32_t>{rows.data(), weights, table.taps, 0, elements},
              job.targetRow(y));
  }
}

// OpenCV 4.x: what its vector loop of eight elements leaves over at the end of a row is summed in integers.
constexpr std::size_t kCubicVector = 8;

void cubicRowEnd(RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
  constexpr int kBits = 2 * kOpenCvCoefficientBits;
  for (std::size_t x = sum.begin; x < sum.end; ++x) {
    std::int32_t total = 1 << (kBits - 1);
    for (int k = 0; k < sum.taps; ++k) total += sum.rows[k][x] * sum.weights[k];
    out[x] = static_cast<std::uint8_t>(std::clamp(total >> kBits, 0, 255));
  }
}

}  // namespace

void resizeByLinear(const ResizeJob& job) {
  Table columns = linearTable(job.source.size.width, job.resized.width, job.columns());
  holdEdges(columns, job.source.size.width);
  resizeSeparably(job, std::move(columns),
                  linearTable(job.source.size.height, job.resized.height, job.rows()), job.kernels.linearRow);
}

void resizeByAreaLinear(const ResizeJob& job) {
  Table columns = areaLinearTable(job.source.size.width, job.resized.width, job.columns());
  holdEdges(columns, job.source.size.width);
  resizeSeparably(job, std::move(columns),
                  areaLinearTable(job.source.size.height, job.resized.height, job.rows()),
                  job.kernels.linearRow);
}

void resizeByCubic(const ResizeJob& job) {
  // Where OpenCV's vector loop ends depends on the whole row, so the window takes its part of it.
  const std::size_t vectorEnd = job.rowBytes(job.resized.width) / kCubicVector * kCubicVector;
  const std::size_t left = job.rowBytes(job.window.left);
  const auto finishRow = [&](RowSum<std::int32_t, std::int32_t> sum, std::uint8_t* out) {
    const std::size_t split = std::min(std::max(vectorEnd, left) - left, sum.end);
    job.kernels.cubicRow({sum.rows, sum.weights, sum.taps, 0, split}, out);
    cubicRowEnd({sum.rows, sum.weights, sum.taps, split, sum.end}, out);
  };
  resizeSeparably(job, cubicTable(job.source.size.width, job.resized.width, job.columns()),
                  cubicTable(job.source.size.height, job.resized.height, job.rows()), finishRow);
}

}  // namespace lc::pixels
