// Philox against its authors' vectors, the arithmetic against long double, moments and samples at their
// edges.
#include "posterior.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <vector>

#include "check.h"
#include "gaussian_noise-inl.h"

namespace {

using namespace lc::posterior;
using namespace lc::test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// tests/kat_vectors of Random123, the paper's library: philox4x32 with 10 rounds.
void checkPublishedWords() {
  struct Vector {
    PhiloxBlock counter;
    PhiloxKey key;
    PhiloxBlock words;
  };
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  const Vector vectors[] = {
      {{{0, 0, 0, 0}}, {{0, 0}}, {{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}}},
      {{{kOnes, kOnes, kOnes, kOnes}}, {{kOnes, kOnes}}, {{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}}},
      {{{0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}},
       {{0xA4093822, 0x299F31D0}},
       {{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}}},
  };
  for (const Vector& vector : vectors) {
    const PhiloxBlock words = philox4x32(vector.counter, vector.key);
    for (int i = 0; i < 4; ++i) {
      check(words.word[i] == vector.words.word[i], "Philox word %d is %08x, not %08x", i, words.word[i],
            vector.words.word[i]);
    }
  }
}

// The error of `actual` in units of the last place of a float64 as large as `expected`.
double unitsOff(double actual, long double expected) {
  int exponent = 0;
  std::frexp(static_cast<double>(expected), &exponent);
  return static_cast<double>(
      std::fabs(std::ldexp(static_cast<long double>(actual) - expected, 53 - exponent)));
}

// Words as samplePosterior meets them, and the ends of what they can give.
std::vector<double> uniforms() {
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  std::vector<double> values = {openUniform(0, 0), openUniform(kOnes, kOnes), openUniform(1U << 31, 0),
                                openUniform((1U << 31) - 1, kOnes)};
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const PhiloxBlock words = philox4x32({{i, 0, 0, 0}}, {{7, 7}});
    values.push_back(openUniform(words.word[0], words.word[1]));
  }
  return values;
}

void checkUniforms() {
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  check(openUniform(0, 0) == 0x1p-53, "the smallest uniform number is 2^-53");
  check(openUniform(kOnes, kOnes) == 1.0 - 0x1p-53, "the largest uniform number is 1 - 2^-53");
  check(openUniform(1U << 31, 0) == 0.5 + 0x1p-53, "the first bit of the high word is worth a half");
  check(openUniform(0, 1U << 6) == 0x1p-52 + 0x1p-53, "the seventh bit of the low word is worth 2^-52");
}

void checkLogarithm() {
  double worst = 0.0;
  for (const double x : uniforms())
    worst = std::fmax(worst, unitsOff(logarithm(x), std::log(static_cast<long double>(x))));
  // On both sides of every place where the reduction changes its exponent.
  for (int exponent = -60; exponent <= 60; ++exponent) {
    const double border = std::ldexp(std::numbers::sqrt2, exponent);
    for (const double x : {std::nextafter(border, 0.0), border, std::nextafter(border, 1e300)}) {
      worst = std::fmax(worst, unitsOff(logarithm(x), std::log(static_cast<long double>(x))));
    }
  }
  check(logarithm(1.0) == 0.0, "ln 1 is 0");
  check(worst < 2.0, "logarithm is %.3f units off", worst);
}

void checkCirclePoint() {
  double worst = 0.0;
  for (const double turns : uniforms()) {
    // Near the axes, where one coordinate vanishes: from the nearest quarter, which is exact.
    const int quarter = static_cast<int>(std::lround(turns * 4.0)) & 3;
    const long double angle = 2.0L * std::numbers::pi_v<long double> *
                              (turns - 0.25 * static_cast<double>(std::lround(turns * 4.0)));
    const long double cosines[] = {std::cos(angle), -std::sin(angle), -std::cos(angle), std::sin(angle)};
    const CirclePoint point = circlePoint(turns);
    worst = std::fmax(worst, unitsOff(point.cosine, cosines[quarter]));
    worst = std::fmax(worst, unitsOff(point.sine, cosines[(quarter + 3) & 3]));
  }
  check(worst < 2.0, "circlePoint is %.3f units off", worst);
}

void checkExponential() {
  double worst = 0.0;
  for (int i = -70'000; i <= 70'000; ++i) {
    const double x = i * 0.01;
    worst = std::fmax(worst, unitsOff(exponential(x), std::exp(static_cast<long double>(x))));
  }
  check(worst < 2.0, "exponential is %.3f units off", worst);
  check(exponential(0.0) == 1.0, "e^0 is 1");
  check(std::isnan(exponential(kNan)), "e^NaN is NaN");
  check(exponential(kInfinity) > std::numeric_limits<float>::max(), "e^inf is beyond float32");
  check(exponential(-kInfinity) < std::numeric_limits<float>::denorm_min() / 1e9,
        "e^-inf vanishes in float32");
}

// The definition of posterior.h, in long double and with the C library.
std::vector<long double> plainNoise(std::size_t count, std::uint64_t seed) {
  std::vector<long double> noise;
  for (std::uint32_t block = 0; noise.size() < count; ++block) {
    const PhiloxBlock words = philox4x32(
        {{block, 0, 0, 0}}, {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
    const auto uniform = [&](int i) {
      const std::uint64_t integer = (std::uint64_t{words.word[i]} >> 6 << 26) + (words.word[i + 1] >> 6);
      return (static_cast<long double>(integer) + 0.5L) / 0x1p52L;
    };
    const long double radius = std::sqrt(-2.0L * std::log(uniform(0)));
    const long double angle = 2.0L * std::numbers::pi_v<long double> * uniform(2);
    noise.push_back(radius * std::cos(angle));
    noise.push_back(radius * std::sin(angle));
  }
  noise.resize(count);
  return noise;
}

// Every length around the chunks of the loop, odd ones too; a value behind the end must stay.
void checkSamples() {
  constexpr std::uint64_t kSeed = 0xFEDCBA9876543210;
  constexpr std::size_t kLongest = 4 * kNoiseBlocks + 3;
  const std::vector<long double> noise = plainNoise(kLongest, kSeed);
  std::vector<float> mean(kLongest);
  std::vector<float> logvar(kLongest);
  for (std::size_t i = 0; i < kLongest; ++i) {
    mean[i] = static_cast<float>(i % 19) / 3.0F - 3.0F;
    logvar[i] = static_cast<float>(i % 51) - 30.0F;
  }
  for (std::size_t count = 0; count <= kLongest; ++count) {
    std::vector<float> latent(count + 1, 99.0F);
    samplePosterior(mean.data(), logvar.data(), count, kSeed, latent.data());
    bool close = latent[count] == 99.0F;
    for (std::size_t i = 0; i < count; ++i) {
      const long double exact = mean[i] + std::exp(0.5L * logvar[i]) * noise[i];
      // A float64 error of a few units moves the rounding to float32 by one place at most.
      const auto rounded = static_cast<float>(exact);
      close &=
          latent[i] >= std::nextafter(rounded, -kInfinity) && latent[i] <= std::nextafter(rounded, kInfinity);
    }
    check(close, "%zu samples", count);
  }
  std::vector<float> apart(kLongest);
  samplePosterior(mean.data(), logvar.data(), kLongest, kSeed, apart.data());
  samplePosterior(mean.data(), logvar.data(), kLongest, kSeed, mean.data());
  check(apart == mean, "samples in place of the means");
}

void checkSamplesNotFinite() {
  const float mean[] = {kNan, 1.0F, kInfinity, 2.0F, 3.0F};
  const float logvar[] = {0.0F, kNan, 0.0F, -kInfinity, kInfinity};
  float latent[5];
  samplePosterior(mean, logvar, 5, 0, latent);
  check(std::isnan(latent[0]), "a mean that is NaN gives NaN");
  check(std::isnan(latent[1]), "a log variance that is NaN gives NaN");
  check(latent[2] == kInfinity, "an infinite mean stays");
  check(latent[3] == 2.0F, "no variance gives the mean");
  check(std::isinf(latent[4]), "infinite variance gives infinity");
}

void checkSplit() {
  constexpr Clamp kClamp = {-30.0F, 20.0F};
  for (const std::size_t length : {1U, 2U, 7U, 33U}) {
    std::vector<float> moments(2 * length);
    for (std::size_t i = 0; i < moments.size(); ++i) moments[i] = static_cast<float>(i) - 40.0F;
    std::vector<float> mean(length);
    std::vector<float> logvar(length);
    const bool finite = splitMoments(moments.data(), length, kClamp, mean.data(), logvar.data());
    bool equal = finite;
    for (std::size_t i = 0; i < length; ++i) {
      equal &= mean[i] == moments[i];
      equal &= logvar[i] == std::fmin(std::fmax(moments[length + i], -30.0F), 20.0F);
    }
    check(equal, "rows of %zu", length);

    for (const float spoiled : {kNan, -kNan, kInfinity, -kInfinity}) {
      for (std::size_t i = 0; i < moments.size(); ++i) {
        std::vector<float> row = moments;
        row[i] = spoiled;
        check(!splitMoments(row.data(), length, kClamp, mean.data(), logvar.data()), "%f at %zu of %zu",
              static_cast<double>(spoiled), i, row.size());
      }
    }
  }
}

void checkSplitEdges() {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const float moments[] = {kLargest, -kLargest, -0.0F, 20.5F, -1e30F, 20.0F};
  float mean[3];
  float logvar[3];
  check(splitMoments(moments, 3, {-30.0F, 20.0F}, mean, logvar), "the largest float is finite");
  check(std::memcmp(mean, moments, sizeof mean) == 0, "means keep their bits");
  check(logvar[0] == 20.0F && logvar[1] == -30.0F && logvar[2] == 20.0F, "log variances are clamped");

  const float spoiled[] = {0.0F, 0.0F, 0.0F, kNan, kInfinity, -kInfinity};
  splitMoments(spoiled, 3, {-30.0F, 20.0F}, mean, logvar);
  check(std::isnan(logvar[0]), "NaN is not clamped away");
  check(logvar[1] == 20.0F && logvar[2] == -30.0F, "infinities are clamped");
  check(splitMoments(nullptr, 0, {-30.0F, 20.0F}, nullptr, nullptr), "an empty row is finite");
}

}  // namespace

int main() {
  checkPublishedWords();
  checkUniforms();
  checkLogarithm();
  checkCirclePoint();
  checkExponential();
  checkSamples();
  checkSamplesNotFinite();
  checkSplit();
  checkSplitEdges();
  return report();
}
