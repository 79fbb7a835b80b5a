// One step and a whole softmax against double; the steps also show how far exp is off.
#include <algorithm>

#include "onednn_kernels.h"

namespace {

using namespace lc::test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// With a maximum of 0 so far the weights of numbers below are their exponentials.
std::vector<float> exponentialsOf(const Kernels& kernels, const std::vector<float>& values) {
  float maximum = 0.0F;
  float total = 0.0F;
  std::vector<float> weights(values.size());
  kernels.softmaxStep(Operand::kFloat32, values.data(), 1, values.size(), values.size(), &maximum, &total,
                      weights.data(), 0, nullptr, 0);
  return weights;
}

void checkExponential(const Kernels& kernels) {
  std::vector<float> values;
  for (int i = 0; i <= 873'000; ++i) values.push_back(static_cast<float>(i) * -0.0001F);
  // On both sides of every place where the reduction changes its exponent.
  for (int i = 0; i < 126; ++i) {
    const float border = static_cast<float>((i + 0.5) * -0.6931471805599453);
    for (const float x : {std::nextafter(border, -kInfinity), border, std::nextafter(border, 0.0F)}) {
      values.push_back(x);
    }
  }
  const std::vector<float> results = exponentialsOf(kernels, values);
  double worst = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    worst = worse(worst, unitsOff(results[i], std::exp(static_cast<double>(values[i]))));
  }
  check(worst <= 2.0, "%s: exp is %.2f units off", kernels.name, worst);
  check(results[0] == 1.0F, "%s: exp of 0 is 1", kernels.name);
}

void checkExponentialExtremes(const Kernels& kernels) {
  const std::vector<float> results =
      exponentialsOf(kernels, {-88.0F, -104.0F, -1e30F, -kInfinity, kNan, -kNan, -1e-40F});
  const bool vanish = std::all_of(results.begin(), results.begin() + 4, [](float x) { return x == 0.0F; });
  check(vanish, "%s: exp of very negative numbers is 0", kernels.name);
  check(std::isnan(results[4]) && std::isnan(results[5]), "%s: exp of NaN is NaN", kernels.name);
  check(results[6] == 1.0F, "%s: exp of a subnormal number is 1", kernels.name);
}

// `before` is -infinity for a first step, whose totals and outputs are not set.
void checkStep(const Kernels& kernels, Operand operand, std::size_t rows, std::size_t columns,
               std::size_t valid, float before, std::mt19937& generator) {
  constexpr std::size_t kWidth = 37;
  constexpr double kRounding = 1e-5;
  const bool isFirst = before == -kInfinity;
  std::vector<float> scores = randomValues(rows * columns, generator, 5.0F);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i % columns >= valid) scores[i] = kNan;
  }
  Guarded<float> maximum(rows);
  Guarded<float> total(rows);
  Guarded<float> output(rows * kWidth);
  Guarded<unsigned char> weights(rows * columns * lc::onednn::operandBytes(operand));
  for (std::size_t i = 0; i < rows; ++i) {
    maximum.data()[i] = before;
    total.data()[i] = isFirst ? kNan : 3.0F;
  }
  for (std::size_t i = 0; i < rows * kWidth; ++i) output.data()[i] = isFirst ? kNan : 2.0F;
  kernels.softmaxStep(operand, scores.data(), rows, columns, valid, maximum.data(), total.data(),
                      weights.data(), rows * columns, output.data(), kWidth);

  bool isMaximumRight = maximum.isIntact();
  bool isTotalRight = total.isIntact();
  bool isOutputRight = output.isIntact();
  bool areWeightsRight = weights.isIntact();
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const first = scores.data() + row * columns;
    const float largest = std::max(before, *std::max_element(first, first + valid));
    const double factor =
        isFirst ? 0.0 : std::exp(static_cast<double>(before) - static_cast<double>(largest));
    double expectedTotal = 3.0 * factor;
    for (std::size_t c = 0; c < columns; ++c) {
      const double weight =
          c < valid ? std::exp(static_cast<double>(first[c]) - static_cast<double>(largest)) : 0.0;
      const double actual = readOperand(operand, weights.data(), row * columns + c, rows * columns);
      areWeightsRight &= std::fabs(actual - weight) <= (roundingOf(operand) + kRounding) * weight;
      expectedTotal += weight;
    }
    isMaximumRight &= maximum[row] == largest;
    isTotalRight &= std::fabs(static_cast<double>(total[row]) - expectedTotal) <= kRounding * expectedTotal;
    for (std::size_t c = 0; c < kWidth; ++c) {
      const double actual = static_cast<double>(output[row * kWidth + c]);
      isOutputRight &= std::fabs(actual - 2.0 * factor) <= kRounding * 2.0 * factor;
    }
  }
  const auto report = [&](bool condition, const char* what) {
    check(condition, "%s: %s of %s, %zu x %zu with %zu valid after %g", kernels.name, what, nameOf(operand),
          rows, columns, valid, static_cast<double>(before));
  };
  report(isMaximumRight, "maximum");
  report(isTotalRight, "total");
  report(isOutputRight, "output");
  report(areWeightsRight, "weights");
}

void checkSteps(const Kernels& kernels) {
  std::mt19937 generator(3);
  for (const Operand operand : kOperands) {
    for (const std::size_t columns : {1U, 2U, 17U, 63U, 64U, 65U, 128U, 300U}) {
      for (const std::size_t left : {0U, 1U, 16U}) {
        if (left >= columns) continue;
        // Nothing before, a smaller maximum, a larger one that stays.
        for (const float before : {-kInfinity, -20.0F, 30.0F}) {
          checkStep(kernels, operand, 3, columns, columns - left, before, generator);
        }
      }
    }
  }
}

void checkNanScore(const Kernels& kernels) {
  for (const std::size_t place : {0U, 63U, 64U, 99U}) {
    std::vector<float> scores(100, 1.0F);
    scores[place] = kNan;
    float maximum = -kInfinity;
    float total = 0.0F;
    std::vector<std::uint16_t> weights(100);
    kernels.softmaxStep(Operand::kBfloat16, scores.data(), 1, 100, 100, &maximum, &total, weights.data(), 0,
                        nullptr, 0);
    check(std::isnan(total) && std::isnan(fromBfloat16(weights[place])), "%s: NaN at %zu stays", kernels.name,
          place);
  }
}

// Output in float32, as a matrix product would add it.
void checkPieces(const Kernels& kernels, const std::vector<std::size_t>& pieces) {
  constexpr std::size_t kRows = 5;
  constexpr std::size_t kWidth = 9;
  std::mt19937 generator(4);
  std::vector<double> exponentials(kRows);
  std::vector<double> expected(kRows * kWidth);
  std::vector<float> maximum(kRows, -kInfinity);
  std::vector<float> total(kRows, kNan);
  std::vector<float> output(kRows * kWidth, kNan);
  for (std::size_t piece = 0; piece < pieces.size(); ++piece) {
    const std::size_t columns = pieces[piece];
    std::vector<float> scores = randomValues(kRows * columns, generator, 3.0F);
    // Each row has its largest scores somewhere else.
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] += static_cast<float>((i / columns * 3 + piece * 2) % 5);
    }
    const std::vector<float> values = randomValues(columns * kWidth, generator, 1.0F);
    std::vector<float> weights(kRows * columns);
    kernels.softmaxStep(Operand::kFloat32, scores.data(), kRows, columns, columns, maximum.data(),
                        total.data(), weights.data(), 0, output.data(), kWidth);
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t c = 0; c < columns; ++c) {
        const double exponential = std::exp(static_cast<double>(scores[row * columns + c]));
        exponentials[row] += exponential;
        for (std::size_t i = 0; i < kWidth; ++i) {
          output[row * kWidth + i] += weights[row * columns + c] * values[c * kWidth + i];
          expected[row * kWidth + i] += exponential * static_cast<double>(values[c * kWidth + i]);
        }
      }
    }
  }
  for (const Operand operand : kOperands) {
    Guarded<unsigned char> target(kRows * kWidth * lc::onednn::operandBytes(operand));
    kernels.softmaxEnd(operand, output.data(), kRows, kWidth, total.data(), target.data(), kRows * kWidth);
    double worst = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double exact = expected[i] / exponentials[i / kWidth];
      const double actual = readOperand(operand, target.data(), i, kRows * kWidth);
      worst = worse(worst, std::fabs(actual - exact) - roundingOf(operand) * std::fabs(exact));
    }
    // Values are about 1, weights sum to 1.
    check(worst <= 1e-5 && target.isIntact(), "%s: softmax in %zu pieces, %s, is %.3g off", kernels.name,
          pieces.size(), nameOf(operand), worst);
  }
}

}  // namespace

int main() {
  for (const Kernels* const kernels : kernelSets()) {
    checkExponential(*kernels);
    checkExponentialExtremes(*kernels);
    checkSteps(*kernels);
    checkNanScore(*kernels);
    checkPieces(*kernels, {200});
    checkPieces(*kernels, {64, 64, 64, 8});
    checkPieces(*kernels, {1, 2, 197, 1, 130});
  }
  return report();
}
