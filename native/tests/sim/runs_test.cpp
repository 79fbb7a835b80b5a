// What a run gives, and how long it takes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/card.h"

namespace {

using lc::test::Card;
using lc::test::check;
using lc::test::Context;
using lc::test::kGiB;
using lc::test::kMiB;
using lc::test::kPlan;
using lc::test::kSmallCard;
using lc::test::randomImages;

constexpr std::size_t kRow = 8 * 16 * 8;
constexpr lc_shape kThree = {3, 128, 64};

std::string withPrecision(const std::string& name) {
  std::string plan = kPlan;
  return plan.replace(plan.find("fp16"), 4, name);
}

void dependOnTheImageAlone() {
  const Context context(kSmallCard);
  Card card(context);
  lc_engine* engine = card.open();
  const std::vector<std::uint8_t> images = randomImages(kThree, 1);
  const std::vector<float> together = card.run(engine, kThree, images);
  check(together.size() == 3 * kRow, "a row for each image");
  const std::size_t imageBytes = images.size() / 3;
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::vector<std::uint8_t> one(images.begin() + static_cast<std::ptrdiff_t>(i * imageBytes),
                                        images.begin() + static_cast<std::ptrdiff_t>((i + 1) * imageBytes));
    const std::vector<float> alone = card.run(engine, {1, 128, 64}, one, i % 2);
    check(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<std::ptrdiff_t>(i * kRow)),
          "image %u gives the same alone, in any slot", i);
  }
  const std::vector<float> others = card.run(engine, kThree, randomImages(kThree, 2));
  check(others != together, "other images give other moments");
  Card::close(engine);
}

void looksLikeLatents() {
  const Context context(kSmallCard);
  Card card(context);
  lc_engine* engine = card.open();
  for (const int content : {0, 128, 255}) {
    const std::vector<std::uint8_t> image(3 * 64 * 64, static_cast<std::uint8_t>(content));
    const std::vector<float> moments = card.run(engine, {1, 64, 64}, image);
    const auto isSmall = [](float value) { return std::abs(value) <= 2; };
    check(moments.size() == 512 && std::all_of(moments.begin(), moments.begin() + 256, isSmall),
          "means of an image of %d are within 2", content);
    const auto isConstant = [&](float value) { return value == moments.back(); };
    check(std::all_of(moments.begin() + 256, moments.end(), isConstant), "log variances are one value");
  }
  Card::close(engine);
}

void overflowInHalfPrecisionWhenAsked() {
  const Context context(kSmallCard + "nan=1");
  Card card(context);
  std::vector<std::uint8_t> images = randomImages(kThree, 3);
  for (std::size_t i = 0; i < 3; ++i) images[i * images.size() / 3] = i == 1 ? 255 : 0;
  for (const char* precision : {"fp16", "bf16", "tf32", "fp32"}) {
    lc_engine* engine = card.open(withPrecision(precision));
    const std::vector<float> moments = card.run(engine, {3, 128, 64}, images);
    const auto broken = std::count_if(moments.begin(), moments.end(), [](float v) { return std::isnan(v); });
    const bool isHalf = std::string(precision) == "fp16";
    check(static_cast<std::size_t>(broken) == (isHalf ? kRow : 0) && std::isnan(moments[kRow]) == isHalf,
          "%s: %td values are NaN", precision, broken);
    Card::close(engine);
  }
}

// The simulated second is seen by what another program takes just before it and just after it.
bool takes(const std::string& card, const std::string& plan, const lc_shape& shape, double seconds) {
  const std::string before = std::to_string(seconds * 0.99);
  const std::string after = std::to_string(seconds * 1.01);
  const Context context("capacity=24GiB pace=0 " + card + " others=" + before + ":1GiB," + after + ":2GiB");
  Card device(context);
  lc_engine* engine = device.open(plan);
  device.run(engine, shape, randomImages(shape, 4));
  Card::close(engine);
  return context.freeBytes() == 23 * kGiB;
}

// Milliseconds of an image of 1024x1024 by the published rates of the cards: 4.879 TFLOP, 11.1 GB.
void takeTheTimeOfTheSlowerPart() {
  const lc_shape one = {1, 1024, 1024};
  const std::string rtx3060 = "tflops=25.5 bandwidth=360";
  check(takes(rtx3060, kPlan, one, 0.191), "computing: 191 ms");
  check(takes("tflops=1000 bandwidth=360", kPlan, one, 0.0308), "moving: 11.1 GB at 360 GB/s");
  check(takes(rtx3060 + " share=0.5", kPlan, one, 0.383), "half of the rate");
  check(takes(rtx3060, withPrecision("tf32"), one, 0.383), "half of the rate for tf32");
  check(takes(rtx3060, kPlan, {4, 1024, 1024}, 4 * 0.1913), "four images take four times as long");
  check(takes(rtx3060 + " launch_us=500000", kPlan, one, 0.191 + 0.5), "and the launch");
}

void takeLongerWhileMemorySpills() {
  const Context context("capacity=1GiB tflops=4.879 bandwidth=100000 pace=0 spill=8 others=7.9:100MiB,8.1:0");
  Card card(context);
  lc_engine* engine = card.open();
  void* much = card.allocate(kGiB);
  card.run(engine, {1, 1024, 1024}, randomImages({1, 1024, 1024}, 5));
  card.release(much);
  check(context.freeBytes() == kGiB - 100 * kMiB - 66 * kMiB, "8 times as long: 8 s");
  Card::close(engine);
}

void refuseWhatThePlanDoesNotTake() {
  const Context context(kSmallCard);
  Card card(context);
  lc_engine* engine = card.open();
  lc_run_memory memory{};
  for (const lc_shape& shape : {lc_shape{5, 64, 64}, {0, 64, 64}, {1, 56, 64}, {1, 64, 1032}, {1, 68, 64}}) {
    check(card.memoryFor(engine, shape, memory) == LC_SHAPE, "%u of %ux%u", shape.count, shape.width,
          shape.height);
  }
  check(card.memoryFor(engine, {4, 1024, 1024}, memory) == LC_OK && memory.input_bytes == 12 * kMiB &&
            memory.output_bytes == 4 * 8 * 128 * 128 * 4,
        "what it takes is told");
  Card::close(engine);
}

void refusePlansThatAreNone() {
  const Context context(kSmallCard);
  Card card(context);
  for (const std::string& plan : {std::string("toy"), std::string("sim "), kPlan + " colour=red",
                                  withPrecision("fp8"), kPlan + " channels=7"}) {
    check(card.open(plan) == nullptr && card.error.code == LC_ENGINE_INVALID, "%s: %s", plan.c_str(),
          card.error.message);
  }
  check(context.freeBytes() == kGiB, "nothing was taken");
}

}  // namespace

int main() {
  dependOnTheImageAlone();
  looksLikeLatents();
  overflowInHalfPrecisionWhenAsked();
  takeTheTimeOfTheSlowerPart();
  takeLongerWhileMemorySpills();
  refuseWhatThePlanDoesNotTake();
  refusePlansThatAreNone();
  return lc::test::report();
}
