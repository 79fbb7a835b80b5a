// The attention at numbers of tokens that do not fill its tiles and chunks. Usage: attention_test PRECISION
#include <cstdio>

#include "check.h"
#include "onednn/closeness.h"
#include "onednn/random_encoder.h"
#include "onednn/reference.h"
#include "onednn/session.h"

using namespace lc::test;

namespace {

// As those of the encoder; scores of some units lose as much again.
double boundOf(lc_precision precision) {
  return precision == LC_BF16 ? 0.08 : 2e-5;
}

}  // namespace

int main(int, char** arguments) {
  const lc_precision precision = precisionNamed(arguments[1]);
  constexpr std::uint32_t kChannels = 32;
  RandomEncoder encoder(8);
  encoder.conv(3, kChannels);
  encoder.attention(kChannels);
  encoder.normSilu(kChannels);
  encoder.conv(kChannels, 8);
  const lc_network network = encoder.network(precision);

  BudgetHost host;
  Session session(host, 2);
  check(session.open(network) == LC_OK, "the network opens: %s", session.error().message);
  // 1, 15, 16, 17, 127, 512, 513, 1025 tokens, and two images of 513
  const lc_shape shapes[] = {{1, 1, 1},   {1, 3, 5},   {1, 4, 4},   {1, 1, 17}, {1, 127, 1},
                             {1, 16, 32}, {1, 27, 19}, {1, 25, 41}, {2, 19, 27}};
  for (const lc_shape& shape : shapes) {
    const std::vector<std::uint8_t> pixels = noise(shape.count, shape.height, shape.width);
    const double worst =
        closenessOf(session.run(shape, pixels), referenceMoments(network, shape, pixels)).worst;
    std::printf("%u x %u tokens: worst %.2g\n", shape.count, shape.height * shape.width, worst);
    check(worst <= boundOf(precision), "%u x %u tokens: the worst is %g", shape.count,
          shape.height * shape.width, worst);
  }
  return report();
}
