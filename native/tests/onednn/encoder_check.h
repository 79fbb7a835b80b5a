// An encoder through the C interface, against the reference.
#pragma once

#include <cstdio>
#include <vector>

#include "check.h"
#include "onednn/closeness.h"
#include "onednn/random_encoder.h"
#include "onednn/reference.h"
#include "onednn/session.h"

namespace lc::test {

// In standard deviations of the moments. Sums of about a thousand float32 products are off by some units of
// 2^-24 each, which a dozen layers pass on; three parts of bfloat16 are a float32. One part is off by up to
// 2^-9: the layers add up to less than ten such units, and the worst of 10,000 places is some times that.
struct Bounds {
  double worst;
  double typical;
};

inline Bounds boundsOf(lc_precision precision) {
  if (precision == LC_BF16) return {0.08, 0.02};
  return {2e-5, 4e-6};
}

inline void checkShapes(lc_precision precision, const RandomEncoder& encoder,
                        const std::vector<lc_shape>& shapes, const Bounds& bounds) {
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

}  // namespace lc::test
