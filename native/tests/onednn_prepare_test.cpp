// Operands against a rounding by cases, activations against double.
#include "onednn_kernels.h"

namespace {

using namespace lc::test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

// Every upper half of a float32 with lower halves around what decides the rounding: all exponents, both
// signs, subnormal numbers, infinities and NaN among them.
std::vector<float> everyUpperHalf() {
  std::vector<float> values;
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const std::uint32_t lower : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      values.push_back(fromBits(upper << 16 | lower));
    }
  }
  return values;
}

void checkBfloat16(const Kernels& kernels) {
  const std::vector<float> values = everyUpperHalf();
  std::vector<std::uint16_t> operands(values.size());
  kernels.prepare(Operand::kBfloat16, values.data(), 1, values.size(), nullptr, nullptr, false,
                  operands.data(), 0);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool isRight = std::isnan(values[i]) ? std::isnan(fromBfloat16(operands[i]))
                                               : operands[i] == nearestBfloat16(values[i]);
    wrong += isRight ? 0 : 1;
  }
  check(wrong == 0, "%s: %zu of %zu bfloat16 are wrong", kernels.name, wrong, values.size());
}

void checkSplit(const Kernels& kernels) {
  const std::vector<float> values = everyUpperHalf();
  const std::size_t count = values.size();
  std::vector<std::uint16_t> operands(3 * count);
  kernels.prepare(Operand::kSplit, values.data(), 1, count, nullptr, nullptr, false, operands.data(), count);
  std::size_t wrongHigh = 0;
  std::size_t wrongMiddle = 0;
  std::size_t wrongLow = 0;
  std::size_t inexact = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float high = fromBfloat16(operands[i]);
    const float middle = fromBfloat16(operands[count + i]);
    const float low = fromBfloat16(operands[2 * count + i]);
    if (std::isnan(values[i]) ? !std::isnan(high) : operands[i] != nearestBfloat16(values[i])) ++wrongHigh;
    const bool isFinite = std::isfinite(high);
    if (operands[count + i] != (isFinite ? nearestBfloat16(values[i] - high) : 0)) ++wrongMiddle;
    if (operands[2 * count + i] != (isFinite ? nearestBfloat16(values[i] - high - middle) : 0)) ++wrongLow;
    // Below, what is left over is subnormal.
    if (!isFinite || std::fabs(values[i]) <= 0x1p-100F) continue;
    const double sum = static_cast<double>(high) + static_cast<double>(middle) + static_cast<double>(low);
    if (sum != static_cast<double>(values[i])) ++inexact;
  }
  check(wrongHigh == 0, "%s: %zu high parts are wrong", kernels.name, wrongHigh);
  check(wrongMiddle == 0, "%s: %zu middle parts are wrong", kernels.name, wrongMiddle);
  check(wrongLow == 0, "%s: %zu low parts are wrong", kernels.name, wrongLow);
  check(inexact == 0, "%s: %zu sums of parts are not the value", kernels.name, inexact);
}

void checkCopy(const Kernels& kernels) {
  const std::vector<float> values = everyUpperHalf();
  std::vector<float> operands(values.size());
  kernels.prepare(Operand::kFloat32, values.data(), 1, values.size(), nullptr, nullptr, false,
                  operands.data(), 0);
  check(std::memcmp(values.data(), operands.data(), values.size() * sizeof(float)) == 0,
        "%s: float32 operands keep their bits", kernels.name);
}

enum class Step { kCopy, kScale, kSilu };

// The inputs are as long as they are said to be, so that the address sanitizer sees what is read beyond.
void checkShape(const Kernels& kernels, Operand operand, Step step, std::size_t pixels, std::size_t channels,
                std::mt19937& generator) {
  const std::vector<float> source = randomValues(pixels * channels, generator, 4.0F);
  const std::vector<float> scale = randomValues(channels, generator, 1.0F);
  const std::vector<float> shift = randomValues(channels, generator, 1.0F);
  Guarded<unsigned char> target(pixels * channels * lc::onednn::operandBytes(operand));
  const bool isCopy = step == Step::kCopy;
  kernels.prepare(operand, source.data(), pixels, channels, isCopy ? nullptr : scale.data(),
                  isCopy ? nullptr : shift.data(), step == Step::kSilu, target.data(), source.size());

  double worst = 0.0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::size_t c = i % channels;
    const double product = static_cast<double>(source[i]) * static_cast<double>(isCopy ? 1.0F : scale[c]);
    const double offset = static_cast<double>(isCopy ? 0.0F : shift[c]);
    const double x = product + offset;
    const double expected = step == Step::kSilu ? x / (1.0 + std::exp(-x)) : x;
    // Product and sum are rounded, or the sum alone; the slope of SiLU is below 1.1; its own arithmetic may
    // be 3 units off.
    const double before = isCopy ? 0.0 : 0x1p-24 * (std::fabs(product) + std::fabs(x));
    const double inside = step == Step::kSilu ? 1.1 * before + 0x1.8p-22 * std::fabs(expected) : before;
    const double allowed = inside + roundingOf(operand) * (std::fabs(expected) + inside);
    const double actual = readOperand(operand, target.data(), i, source.size());
    worst = worse(worst, std::fabs(actual - expected) - allowed);
  }
  check(worst <= 0.0, "%s: %s, step %d, %zu x %zu is %.3g beyond what rounding explains", kernels.name,
        nameOf(operand), static_cast<int>(step), pixels, channels, worst);
  check(target.isIntact(), "%s: %s, step %d, %zu x %zu writes outside", kernels.name, nameOf(operand),
        static_cast<int>(step), pixels, channels);
}

void checkShapes(const Kernels& kernels) {
  std::mt19937 generator(1);
  for (const Operand operand : kOperands) {
    for (const Step step : {Step::kCopy, Step::kScale, Step::kSilu}) {
      for (const std::size_t pixels : {0U, 1U, 2U, 7U, 33U}) {
        for (const std::size_t channels :
             {1U, 2U, 3U, 7U, 8U, 15U, 16U, 17U, 31U, 33U, 63U, 64U, 65U, 512U}) {
          checkShape(kernels, operand, step, pixels, channels, generator);
        }
      }
    }
  }
}

std::vector<float> siluOf(const Kernels& kernels, const std::vector<float>& values) {
  const std::vector<float> ones(values.size(), 1.0F);
  const std::vector<float> zeros(values.size(), 0.0F);
  std::vector<float> results(values.size());
  kernels.prepare(Operand::kFloat32, values.data(), 1, values.size(), ones.data(), zeros.data(), true,
                  results.data(), 0);
  return results;
}

void checkSilu(const Kernels& kernels) {
  std::vector<float> values;
  for (int i = -88'000; i <= 100'000; ++i) values.push_back(static_cast<float>(i) * 0.001F + 0.0005F);
  const std::vector<float> results = siluOf(kernels, values);
  double worst = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = static_cast<double>(values[i]);
    worst = worse(worst, unitsOff(results[i], x / (1.0 + std::exp(-x))));
  }
  check(worst <= 3.0, "%s: SiLU is %.2f units off", kernels.name, worst);
}

void checkSiluExtremes(const Kernels& kernels) {
  const std::vector<float> values = {kNan,  -kNan,  kInfinity, -kInfinity,     1e30F,          -1e30F,
                                     89.0F, -89.0F, -1000.0F,  64 * kSmallest, -64 * kSmallest};
  const std::vector<float> results = siluOf(kernels, values);
  check(std::isnan(results[0]) && std::isnan(results[1]), "%s: SiLU of NaN is NaN", kernels.name);
  check(results[2] == kInfinity, "%s: SiLU of infinity is infinity", kernels.name);
  check(std::isnan(results[3]), "%s: SiLU of -infinity is -infinity / infinity", kernels.name);
  check(results[4] == 1e30F && results[6] == 89.0F, "%s: SiLU of large numbers is they", kernels.name);
  check(results[5] == 0.0F && results[8] == 0.0F, "%s: SiLU of very negative numbers is 0", kernels.name);
  check(results[7] <= 0.0F && results[7] > -1e-36F, "%s: SiLU of -89 vanishes", kernels.name);
  check(results[9] == 32 * kSmallest && results[10] == -32 * kSmallest,
        "%s: SiLU of subnormal numbers is their half", kernels.name);
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    checkBfloat16(*kernels);
    checkSplit(*kernels);
    checkCopy(*kernels);
    checkShapes(*kernels);
    checkSilu(*kernels);
    checkSiluExtremes(*kernels);
  }
  return report();
}
