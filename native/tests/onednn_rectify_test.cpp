// Sums behind a ReLU.
#include "onednn_kernels.h"

namespace {

using namespace lc::test;

void checkCount(const Kernels& kernels, std::size_t count, bool add, std::mt19937& generator) {
  const std::vector<float> product = randomValues(count, generator, 2.0F);
  const std::vector<float> before = randomValues(count, generator, 2.0F);
  Guarded<float> target(count);
  for (std::size_t i = 0; i < count; ++i) target.data()[i] = before[i];
  kernels.rectify(product.data(), count, add, target.data());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float sum = add ? before[i] + product[i] : product[i];
    if (target[i] != (sum > 0.0F ? sum : 0.0F)) ++wrong;
  }
  check(wrong == 0 && target.isIntact(), "%s: %zu values, add %d: %zu are wrong", kernels.name, count, add,
        wrong);
}

void checkNotFinite(const Kernels& kernels) {
  const std::vector<float> product = {NAN, INFINITY, -INFINITY};
  std::vector<float> target(3);
  kernels.rectify(product.data(), 3, false, target.data());
  check(std::isnan(target[0]), "%s: NaN stays", kernels.name);
  check(target[1] == INFINITY, "%s: infinity stays", kernels.name);
  check(target[2] == 0.0F, "%s: -infinity becomes 0", kernels.name);
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    std::mt19937 generator(5);
    for (const std::size_t count : {0U, 1U, 15U, 16U, 33U, 640U}) {
      for (const bool add : {false, true}) checkCount(*kernels, count, add, generator);
    }
    checkNotFinite(*kernels);
  }
  return report();
}
