// A reduced KL encoder through the C interface, against the reference. Usage: encoder_test PRECISION
#include "onednn/encoder_check.h"

using namespace lc::test;

int main(int, char** arguments) {
  const lc_precision precision = precisionNamed(arguments[1]);
  const Bounds bounds = boundsOf(precision);
  const std::vector<std::uint32_t> widths{32, 64, 96};
  checkShapes(precision, klEncoder(widths, 32), {{1, 8, 8}, {1, 24, 40}, {3, 20, 12}, {1, 72, 200}}, bounds);

  // Channels that fill no vector.
  checkShapes(precision, klEncoder({12, 20, 20}, 4), {{1, 16, 24}, {2, 36, 72}}, bounds);

  // Maps are rounded where they are this many times as large as what the norm leaves of them; the variance
  // must not lose its square. bfloat16 cannot hold such maps: a downsample and a shortcut read them as they
  // are.
  if (precision != LC_BF16) {
    for (const float mean : {30.0F, 1000.0F}) {
      const Bounds rounding = boundsOf(LC_FP32);
      checkShapes(precision, klEncoder(widths, 32, mean), {{1, 8, 8}, {1, 24, 40}, {1, 72, 200}},
                  {bounds.worst + mean * rounding.worst, bounds.typical + mean * rounding.typical});
    }
  }
  return report();
}
