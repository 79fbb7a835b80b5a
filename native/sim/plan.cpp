#include "sim/plan.h"

#include <limits>

#include "plugin/failure.h"
#include "sim/words.h"

namespace lc::sim {
namespace {

using plugin::Failure;

constexpr const char* kMagic = "sim ";
// Small enough that no product of a shape overflows 64 bits.
constexpr std::uint64_t kMost = 1 << 16;

std::uint32_t side(Words& words, const char* key) {
  const std::uint64_t value = words.count(key);
  if (value == 0 || value > kMost) words.refuse(key, "is not from 1 to 65536");
  return static_cast<std::uint32_t>(value);
}

std::string describe(const lc_shape& shape) {
  return std::to_string(shape.count) + " of " + std::to_string(shape.width) + "x" +
         std::to_string(shape.height);
}

bool isWithin(std::uint32_t value, std::uint32_t least, std::uint32_t most) {
  return value >= least && value <= most;
}

}  // namespace

Plan parsePlan(const std::string& text) {
  if (!text.starts_with(kMagic)) {
    throw Failure(LC_ENGINE_INVALID, "engine_open", "Not a plan of the simulated GPU");
  }
  Words words(text.substr(std::string(kMagic).size()), LC_ENGINE_INVALID, "a plan of the simulated GPU");
  const Precision* precision = findPrecision(words.text("precision", ""));
  if (precision == nullptr) words.refuse("precision", "is none of fp16, bf16, tf32 and fp32");
  Plan plan{};
  plan.precision = *precision;
  plan.chunks = side(words, "chunks");
  plan.minimum = {1, side(words, "minheight"), side(words, "minwidth")};
  plan.maximum = {side(words, "maxcount"), side(words, "maxheight"), side(words, "maxwidth")};
  plan.channels = side(words, "channels");
  if (plan.channels % 2 != 0) words.refuse("channels", "is odd: means and log variances are equally many");
  plan.stride = side(words, "stride");
  plan.weightBytes = words.bytes("weights");
  plan.cost = {words.number("operations"), words.number("pairs"), words.number("elements"),
               side(words, "width")};
  words.finish();
  return plan;
}

lc_run_memory Plan::memoryFor(const lc_shape& shape) const {
  const bool fits = isWithin(shape.count, minimum.count, maximum.count) &&
                    isWithin(shape.height, minimum.height, maximum.height) &&
                    isWithin(shape.width, minimum.width, maximum.width) && shape.height % stride == 0 &&
                    shape.width % stride == 0;
  if (!fits) {
    throw Failure(LC_SHAPE, "engine_memory",
                  describe(shape) + " is not from " + describe(minimum) + " to " + describe(maximum) +
                      " in steps of " + std::to_string(stride));
  }
  lc_run_memory memory{};
  memory.size = sizeof memory;
  memory.activation_bytes = cost.activationBytes(shape, tokens(shape), chunks, precision.elementBytes);
  memory.input_bytes = std::uint64_t{3} * shape.count * shape.height * shape.width;
  memory.output_bytes = std::uint64_t{shape.count} * channels * cells(shape) * sizeof(float);
  return memory;
}

}  // namespace lc::sim
