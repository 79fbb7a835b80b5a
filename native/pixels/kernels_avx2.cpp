// Compiled for AVX2; called only where dispatch.cpp has found that the CPU has it.
#include "lanes_avx2.h"

// These are written in the names of lanes_avx2.h.
#include "simd_columns-inl.h"
#include "simd_pixels-inl.h"
#include "simd_rows-inl.h"

namespace lc::pixels {

const Kernels kAvx2Kernels = {
    .name = "avx2",
    .packRows = packRows,
    .areaColumns = areaColumns,
    .areaRow = areaRow,
    .boxRow = boxRow,
    .pillowColumns = pillowColumns,
    .pillowRow = pillowRow,
    .premultiply = premultiply,
    .unpremultiply = unpremultiply,
    .openCvColumns = openCvColumns,
    .linearRow = linearRow,
    .cubicRow = cubicRow,
    .splitAlpha = splitAlpha,
    .mirrorRow = mirrorRow,
};

}  // namespace lc::pixels
