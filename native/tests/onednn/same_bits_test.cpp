// What must not change a bit of the moments: the number of threads, the batch, what memory held before,
// another run.
#include <algorithm>
#include <cstring>

#include "check.h"
#include "onednn/random_encoder.h"
#include "onednn/session.h"

using namespace lc::test;

namespace {

constexpr lc_shape kBatch{3, 36, 68};

bool isSame(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Opens the network on `threads` threads and calls use(session).
template <typename Use>
void withSession(const lc_network& network, std::uint32_t threads, Use use) {
  BudgetHost host;
  Session session(host, threads);
  if (session.open(network) != LC_OK) return check(false, "the network opens: %s", session.error().message);
  use(session);
}

void checkThreads(const lc_network& network, const std::vector<std::uint8_t>& pixels,
                  const std::vector<float>& expected) {
  for (const std::uint32_t threads : {2U, 3U, 5U}) {
    withSession(network, threads, [&](Session& session) {
      check(isSame(session.run(kBatch, pixels), expected), "precision %u: %u threads give the same bits",
            network.precision, threads);
    });
  }
}

void checkAlone(Session& session, lc_precision precision, const std::vector<std::uint8_t>& pixels,
                const std::vector<float>& expected) {
  const std::size_t imageBytes = pixels.size() / kBatch.count;
  const std::size_t imageMoments = expected.size() / kBatch.count;
  for (std::uint32_t image = 0; image < kBatch.count; ++image) {
    const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(image * imageBytes);
    const std::vector<float> alone = session.run({1, kBatch.height, kBatch.width},
                                                 {first, first + static_cast<std::ptrdiff_t>(imageBytes)});
    const auto own = expected.begin() + static_cast<std::ptrdiff_t>(image * imageMoments);
    check(isSame(alone, {own, own + static_cast<std::ptrdiff_t>(imageMoments)}),
          "precision %u: image %u alone gives the same bits", precision, image);
  }
}

void checkPrecision(const RandomEncoder& encoder, lc_precision precision) {
  const lc_network network = encoder.network(precision);
  const std::vector<std::uint8_t> pixels = noise(kBatch.count, kBatch.height, kBatch.width);
  withSession(network, 1, [&](Session& session) {
    const std::vector<float> expected = session.run(kBatch, pixels);
    check(isSame(session.run(kBatch, pixels), expected), "precision %u: a second run gives the same bits",
          precision);
    check(isSame(session.run(kBatch, pixels, {Edge::kBack, 0x00}), expected),
          "precision %u: zeroed memory gives the same bits", precision);
    checkAlone(session, precision, pixels, expected);
    checkThreads(network, pixels, expected);
  });
}

}  // namespace

int main() {
  const RandomEncoder encoders[] = {klEncoder({32, 64}, 32), rmsEncoder({32, 64}),
                                    depthEncoder({32, 64, 64}, 32), tinyEncoder(32, 2)};
  for (const RandomEncoder& encoder : encoders) {
    for (const lc_precision precision : precisionsHere()) checkPrecision(encoder, precision);
  }
  return report();
}
