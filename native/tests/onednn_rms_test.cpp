// Norms of single pixels against double.
#include "onednn_kernels.h"

namespace {

using namespace lc::test;

constexpr float kShortest = 1e-12F;

// The inputs are as long as they are said to be, so that the address sanitizer sees what is read beyond.
void checkShape(const Kernels& kernels, Operand operand, bool silu, std::size_t pixels, std::size_t channels,
                std::mt19937& generator) {
  const std::vector<float> source = randomValues(pixels * channels, generator, 4.0F);
  const std::vector<float> weight = randomValues(channels, generator, 1.0F);
  Guarded<unsigned char> target(source.size() * lc::onednn::operandBytes(operand));
  kernels.prepareRms(operand, source.data(), pixels, channels, weight.data(), kShortest, silu, target.data(),
                     source.size());

  double worst = 0.0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const float* pixel = source.data() + i / channels * channels;
    double squares = 0.0;
    for (std::size_t c = 0; c < channels; ++c) squares += double{pixel[c]} * double{pixel[c]};
    const double factor = std::sqrt(static_cast<double>(channels) / squares);
    const double x = double{source[i]} * factor * double{weight[i % channels]};
    const double expected = silu ? x / (1.0 + std::exp(-x)) : x;
    // The sum has a rounding for each of its terms of one place and six behind them, which the root halves;
    // six more are behind it. The slope of SiLU is below 1.1; its own arithmetic may be 3 units off.
    const double roundings = 0.5 * (static_cast<double>(channels) / 32.0 + 7.0) + 6.0;
    const double before = 0x1p-24 * roundings * std::fabs(x);
    const double inside = silu ? 1.1 * before + 0x1.8p-22 * std::fabs(expected) : before;
    const double allowed = inside + roundingOf(operand) * (std::fabs(expected) + inside);
    const double actual = readOperand(operand, target.data(), i, source.size());
    worst = worse(worst, std::fabs(actual - expected) - allowed);
  }
  check(worst <= 0.0, "%s: %s, SiLU %d, %zu x %zu is %.3g beyond what rounding explains", kernels.name,
        nameOf(operand), silu, pixels, channels, worst);
  check(target.isIntact(), "%s: %s, SiLU %d, %zu x %zu writes outside", kernels.name, nameOf(operand), silu,
        pixels, channels);
}

void checkShapes(const Kernels& kernels) {
  std::mt19937 generator(3);
  for (const Operand operand : kOperands) {
    for (const bool silu : {false, true}) {
      for (const std::size_t pixels : {0U, 1U, 2U, 7U}) {
        for (const std::size_t channels : {1U, 3U, 16U, 31U, 32U, 33U, 64U, 95U, 96U, 384U, 1024U}) {
          checkShape(kernels, operand, silu, pixels, channels, generator);
        }
      }
    }
  }
}

std::vector<float> normOf(const Kernels& kernels, const std::vector<float>& pixel) {
  const std::vector<float> ones(pixel.size(), 1.0F);
  std::vector<float> results(pixel.size());
  kernels.prepareRms(Operand::kFloat32, pixel.data(), 1, pixel.size(), ones.data(), kShortest, false,
                     results.data(), 0);
  return results;
}

void checkExtremes(const Kernels& kernels) {
  const std::vector<float> zeros = normOf(kernels, {0.0F, 0.0F, 0.0F, 0.0F});
  check(zeros == std::vector<float>(4, 0.0F), "%s: a pixel of zeros stays", kernels.name);
  const std::vector<float> small = normOf(kernels, {1e-13F, 0.0F, 0.0F, 0.0F});
  check(std::fabs(small[0] - 0.2F) < 1e-6F, "%s: below 1e-12 a length counts as that", kernels.name);
  const std::vector<float> large = normOf(kernels, {1e18F, 0.0F, 0.0F, -1e18F});
  check(std::fabs(large[0] - 1.4142135F) < 1e-6F, "%s: large values do not overflow", kernels.name);
  const std::vector<float> broken = normOf(kernels, {NAN, 1.0F, 1.0F, 1.0F});
  check(std::isnan(broken[0]) && std::isnan(broken[3]), "%s: NaN is in all of its pixel", kernels.name);
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    checkShapes(*kernels);
    checkExtremes(*kernels);
  }
  return report();
}
