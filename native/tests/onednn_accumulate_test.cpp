// Sums of products and their statistics against plain loops in double.
#include "onednn_kernels.h"

namespace {

using namespace lc::test;

struct Case {
  std::size_t pixels;
  std::size_t channels;
  bool add;
};

float expectedAt(const Case& shape, const std::vector<float>& product, const std::vector<float>& before,
                 std::size_t i) {
  return shape.add ? before[i] + product[i] : product[i];
}

void checkTarget(const Kernels& kernels, const Case& shape, const std::vector<float>& product,
                 const std::vector<float>& before, Guarded<float>& target, const char* with) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < product.size(); ++i) {
    if (target[i] != expectedAt(shape, product, before, i)) ++wrong;
  }
  check(wrong == 0 && target.isIntact(), "%s: %zu x %zu, add %d, %s statistics: %zu values are wrong",
        kernels.name, shape.pixels, shape.channels, shape.add, with, wrong);
}

void checkShape(const Kernels& kernels, const Case& shape, std::mt19937& generator) {
  const std::size_t count = shape.pixels * shape.channels;
  const std::vector<float> product = randomValues(count, generator, 2.0F);
  const std::vector<float> before = randomValues(count, generator, 2.0F);
  const std::vector<float> origin = randomValues(shape.channels, generator, 3.0F);
  Guarded<float> target(count);
  const auto reset = [&] {
    for (std::size_t i = 0; i < count; ++i) target.data()[i] = before[i];
  };
  reset();
  kernels.accumulate(product.data(), shape.pixels, shape.channels, shape.add, target.data(), nullptr, nullptr,
                     nullptr);
  checkTarget(kernels, shape, product, before, target, "without");

  // They start at what is there.
  Guarded<double> sum(shape.channels);
  Guarded<double> square(shape.channels);
  for (std::size_t c = 0; c < shape.channels; ++c) {
    sum.data()[c] = 5.0;
    square.data()[c] = 7.0;
  }
  reset();
  kernels.accumulate(product.data(), shape.pixels, shape.channels, shape.add, target.data(), origin.data(),
                     sum.data(), square.data());
  checkTarget(kernels, shape, product, before, target, "with");

  // 64 roundings of a partial sum, and those of the terms.
  constexpr double kRounding = 70 * 0x1p-24;
  bool isSumRight = true;
  bool isSquareRight = true;
  for (std::size_t c = 0; c < shape.channels; ++c) {
    double expectedSum = 5.0;
    double expectedSquare = 7.0;
    double magnitude = 0.0;
    for (std::size_t pixel = 0; pixel < shape.pixels; ++pixel) {
      const double value =
          static_cast<double>(expectedAt(shape, product, before, pixel * shape.channels + c));
      const double offset = value - static_cast<double>(origin[c]);
      expectedSum += offset;
      expectedSquare += offset * offset;
      magnitude += std::fabs(offset);
    }
    isSumRight &= std::fabs(sum[c] - expectedSum) <= kRounding * magnitude;
    isSquareRight &= std::fabs(square[c] - expectedSquare) <= kRounding * expectedSquare;
  }
  check(isSumRight && sum.isIntact(), "%s: sums of %zu x %zu", kernels.name, shape.pixels, shape.channels);
  check(isSquareRight && square.isIntact(), "%s: squares of %zu x %zu", kernels.name, shape.pixels,
        shape.channels);
}

void checkShapes(const Kernels& kernels) {
  std::mt19937 generator(2);
  for (const std::size_t pixels : {0U, 1U, 2U, 63U, 64U, 65U, 200U}) {
    for (const std::size_t channels : {1U, 3U, 15U, 16U, 17U, 33U, 128U, 512U, 513U, 1100U}) {
      for (const bool add : {false, true}) checkShape(kernels, {pixels, channels, add}, generator);
    }
  }
}

// A float32 sum would lose the ones.
void checkSumsInDouble(const Kernels& kernels) {
  constexpr std::size_t kPixels = 10'000;
  const std::vector<float> product(kPixels, 3.0F);
  std::vector<float> target(kPixels);
  const float origin = 2.0F;
  double sum = 1e12;
  double square = 1e13;
  kernels.accumulate(product.data(), kPixels, 1, false, target.data(), &origin, &sum, &square);
  check(sum == 1e12 + 10'000.0, "%s: sums are double", kernels.name);
  check(square == 1e13 + 10'000.0, "%s: sums of squares are double", kernels.name);
}

void checkNotFinite(const Kernels& kernels) {
  const std::vector<float> product = {INFINITY, NAN, 1.0F, 1.0F, 2.0F, 3.0F};
  std::vector<float> target(6);
  const float origin[] = {0.0F, 0.0F, 0.0F};
  double sum[3] = {};
  double square[3] = {};
  kernels.accumulate(product.data(), 2, 3, false, target.data(), origin, sum, square);
  check(std::isinf(sum[0]) && std::isinf(square[0]), "%s: an infinity stays in the sums", kernels.name);
  check(std::isnan(sum[1]) && std::isnan(square[1]), "%s: NaN stays in the sums", kernels.name);
  check(sum[2] == 4.0 && square[2] == 10.0, "%s: NaN stays in its channel", kernels.name);
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    checkShapes(*kernels);
    checkSumsInDouble(*kernels);
    checkNotFinite(*kernels);
  }
  return report();
}
