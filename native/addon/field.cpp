#include "field.h"

#include <cmath>

#include "errors.h"

namespace lc::addon {

Field Field::operator[](const char* key) const {
  return {objectOf(value_, name_.c_str()).Get(key), name_ + "." + key};
}

Field Field::operator[](std::uint32_t index) const {
  return {listOf(value_, name_.c_str()).Get(index), name_ + "[" + std::to_string(index) + "]"};
}

std::uint32_t Field::length() const {
  return listOf(value_, name_.c_str()).Length();
}

std::string Field::text() const {
  return textOf(value_, name_.c_str());
}

bool Field::truth() const {
  if (!value_.IsBoolean()) reject("true or false");
  return value_.As<Napi::Boolean>();
}

std::uint32_t Field::integer(std::uint32_t minimum, std::uint32_t maximum) const {
  return static_cast<std::uint32_t>(integerOf(value_, name_.c_str(), static_cast<std::int32_t>(minimum),
                                              static_cast<std::int32_t>(maximum)));
}

std::uint32_t Field::exactly(std::uint32_t expected) const {
  if (!value_.IsNumber() || value_.As<Napi::Number>().DoubleValue() != expected) {
    reject(std::to_string(expected));
  }
  return expected;
}

double Field::positive() const {
  const double number = value_.IsNumber() ? value_.As<Napi::Number>().DoubleValue() : 0;
  if (!(number > 0) || !std::isfinite(number)) reject("a positive number");
  return number;
}

void Field::reject(const std::string& expected) const {
  addon::reject(value_.Env(), name_.c_str(), expected, describe(value_));
}

}  // namespace lc::addon
