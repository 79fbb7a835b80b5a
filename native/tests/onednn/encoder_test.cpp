// A reduced KL encoder through the C interface, against the reference. Usage: encoder_test PRECISION
#include <cstdio>

#include "check.h"
#include "onednn/closeness.h"
#include "onednn/random_encoder.h"
#include "onednn/reference.h"
#include "onednn/session.h"

using namespace lc::test;

namespace {

// In standard deviations of the moments. Sums of about a thousand float32 products are off by some units of
// 2^-24 each, which a dozen layers pass on; three parts of bfloat16 are a float32. One part is off by up to
// 2^-9: the layers add up to less than ten such units, and the worst of 10,000 places is some times that.
struct Bounds {
  double worst;
  double typical;
};

Bounds boundsOf(lc_precision precision) {
  if (precision == LC_BF16) return {0.08, 0.02};
  return {2e-5, 4e-6};
}

void checkShapes(lc_precision precision, const RandomEncoder& encoder, const std::vector<lc_shape>& shapes,
                 const Bounds& bounds) {
  BudgetHost host;
  Session session(host, 2);
  const lc_network network = encoder.network(precision);
  if (session.open(network) != LC_OK) return check(false, "the network opens: %s", session.error().message);
  for (const lc_shape& shape : shapes) {
    const std::vector<std::uint8_t> pixels = noise(shape.count, shape.height, shape.width);
    const auto [worst, typical] =
        closenessOf(session.run(shape, pixels), referenceMoments(network, shape, pixels));
    std::printf("%u x %u x %u: worst %.2g, typical %.2g\n", shape.count, shape.height, shape.width, worst,
                typical);
    check(worst <= bounds.worst, "%u x %u x %u: the worst is %g", shape.count, shape.height, shape.width,
          worst);
    check(typical <= bounds.typical, "%u x %u x %u: the typical is %g", shape.count, shape.height,
          shape.width, typical);
  }
}

}  // namespace

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
