#include "sim/settings.h"

#include <sstream>

#include "sim/address_space.h"
#include "sim/words.h"

namespace lc::sim {
namespace {

// "left:right"
std::pair<std::string, std::string> halves(const Words& words, const std::string& key,
                                           const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) words.refuse(key, "has a part without a colon");
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::vector<Step> readOthers(Words& words) {
  std::vector<Step> steps;
  std::istringstream stream(words.text("others", ""));
  for (std::string part; std::getline(stream, part, ',');) {
    const auto [second, bytes] = halves(words, "others", part);
    const Step step{words.numberOf("others", second), words.bytesOf("others", bytes)};
    if (!steps.empty() && step.second <= steps.back().second) words.refuse("others", "is not ascending");
    steps.push_back(step);
  }
  return steps;
}

double positive(const Words& words, const std::string& key, double value) {
  if (value <= 0) words.refuse(key, "is not above 0");
  return value;
}

}  // namespace

Settings parseSettings(const std::string& text) {
  Words words(text, LC_INVALID, "the settings of the simulated GPU");
  Settings settings{};
  settings.capacity = words.bytes("capacity");
  if (settings.capacity < kGranule) words.refuse("capacity", "is less than one allocation takes");
  settings.tflops = positive(words, "tflops", words.number("tflops"));
  settings.bandwidth = positive(words, "bandwidth", words.number("bandwidth"));
  settings.share = positive(words, "share", words.number("share", 1));
  if (settings.share > 1) words.refuse("share", "is above 1");
  settings.launchSeconds = words.number("launch_us", 0) * 1e-6;
  settings.context = words.bytes("context", 0);
  settings.pace = words.number("pace", 1);
  settings.others = readOthers(words);
  if (words.has("others_random")) {
    const auto [bytes, period] = halves(words, "others_random", words.text("others_random", ""));
    settings.randomBytes = words.bytesOf("others_random", bytes);
    settings.randomPeriod = positive(words, "others_random", words.numberOf("others_random", period));
  }
  settings.seed = words.count("seed", 0);
  settings.spill = words.number("spill", 0);
  if (settings.spill > 0 && settings.spill < 1) words.refuse("spill", "would make runs faster");
  settings.leak = words.count("leak", 0);
  settings.failAlloc = words.count("fail_alloc", 0);
  settings.loseAtSubmit = words.count("lose_at_submit", 0);
  settings.loseAtCall = words.count("lose_at_call", 0);
  const std::uint64_t nan = words.count("nan", 0);
  if (nan > 1) words.refuse("nan", "is neither 0 nor 1");
  settings.nan = nan == 1;
  words.text("world", "");
  words.finish();
  return settings;
}

}  // namespace lc::sim
