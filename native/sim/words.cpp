#include "sim/words.h"

#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>
#include <utility>

#include "plugin/failure.h"

namespace lc::sim {
namespace {

using plugin::Failure;

// Sums of a few are far from overflowing.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50;

// Whether all of `text` was a value.
template <typename Value>
bool parse(std::string_view text, Value& value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size();
}

}  // namespace

Words::Words(const std::string& text, lc_code code, std::string what) : code_(code), what_(std::move(what)) {
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) fail(word, "is not key=value");
    values_[word.substr(0, equals)] = word.substr(equals + 1);
  }
}

bool Words::has(const std::string& key) {
  asked_.insert(key);
  return values_.contains(key);
}

std::string Words::text(const std::string& key, const std::string& missing) {
  return has(key) ? valueOf(key) : missing;
}

double Words::number(const std::string& key) {
  return numberOf(key, valueOf(key));
}

double Words::number(const std::string& key, double missing) {
  return has(key) ? number(key) : missing;
}

std::uint64_t Words::count(const std::string& key) {
  std::uint64_t value = 0;
  if (!parse(valueOf(key), value)) refuse(key, "is not a whole number");
  return value;
}

std::uint64_t Words::count(const std::string& key, std::uint64_t missing) {
  return has(key) ? count(key) : missing;
}

std::uint64_t Words::bytes(const std::string& key) {
  return bytesOf(key, valueOf(key));
}

std::uint64_t Words::bytes(const std::string& key, std::uint64_t missing) {
  return has(key) ? bytes(key) : missing;
}

double Words::numberOf(const std::string& key, const std::string& part) const {
  double value = 0;
  if (!parse(part, value) || !std::isfinite(value) || value < 0) refuse(key, "is not a number from 0 on");
  return value;
}

std::uint64_t Words::bytesOf(const std::string& key, const std::string& part) const {
  std::string_view digits = part;
  std::uint64_t unit = 1;
  for (const auto& [suffix, bytes] : {std::pair{std::string_view("MiB"), std::uint64_t{1} << 20},
                                      {std::string_view("GiB"), std::uint64_t{1} << 30}}) {
    if (!digits.ends_with(suffix)) continue;
    digits.remove_suffix(suffix.size());
    unit = bytes;
  }
  std::uint64_t value = 0;
  if (!parse(digits, value) || value > kMostBytes / unit) {
    refuse(key, "is no number of bytes up to 1 PiB (1000, 2MiB, 3GiB)");
  }
  return value * unit;
}

void Words::finish() const {
  for (const auto& [key, value] : values_) {
    if (!asked_.contains(key)) refuse(key, "is unknown");
  }
}

void Words::refuse(const std::string& key, const std::string& reason) const {
  const auto found = values_.find(key);
  const std::string word = found == values_.end() ? key : key + "=" + found->second;
  fail(word, reason);
}

void Words::fail(const std::string& word, const std::string& reason) const {
  throw Failure(code_, "", "In " + what_ + ", " + word + " " + reason);
}

const std::string& Words::valueOf(const std::string& key) {
  if (!has(key)) refuse(key, "is missing");
  return values_.at(key);
}

}  // namespace lc::sim
