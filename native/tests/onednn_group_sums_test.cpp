// Sums of neighbouring channels against double.
#include "onednn_kernels.h"

namespace {

using namespace lc::test;

void checkShape(const Kernels& kernels, std::size_t count, std::size_t group, std::mt19937& generator) {
  const std::vector<float> source = randomValues(count * group, generator, 2.0F);
  Guarded<float> target(count);
  const float factor = 1.0F / static_cast<float>(group);
  kernels.groupSums(source.data(), count, group, factor, target.data());
  double worst = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0.0;
    double magnitude = 0.0;
    for (std::size_t k = 0; k < group; ++k) {
      sum += double{source[i * group + k]};
      magnitude += std::fabs(double{source[i * group + k]});
    }
    // Each addition and the product are rounded.
    const double allowed = 0x1p-24 * static_cast<double>(group) * magnitude * double{factor};
    worst = worse(worst, std::fabs(double{target[i]} - sum * double{factor}) - allowed);
  }
  check(worst <= 0.0, "%s: %zu sums of %zu are %.3g beyond what rounding explains", kernels.name, count,
        group, worst);
  check(target.isIntact(), "%s: %zu sums of %zu write outside", kernels.name, count, group);
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    std::mt19937 generator(4);
    for (const std::size_t group : {1U, 2U, 3U, 4U, 5U, 8U, 16U}) {
      for (const std::size_t count : {0U, 1U, 7U, 16U, 33U, 640U}) {
        checkShape(*kernels, count, group, generator);
      }
    }
  }
  return report();
}
