// A value inside of an argument, with its whole name ("layers[3].conv1.kernel") for what errors say of it.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace lc::addon {

// Whatever is not as a function expects it throws ERR_ARGUMENT.
class Field {
 public:
  Field(const Napi::Value& value, std::string name) : value_(value), name_(std::move(name)) {}

  // Of an object.
  Field operator[](const char* key) const;
  // Of an array.
  Field operator[](std::uint32_t index) const;
  std::uint32_t length() const;

  bool isNull() const { return value_.IsNull(); }
  bool isUndefined() const { return value_.IsUndefined(); }
  std::string text() const;
  bool truth() const;
  std::uint32_t integer(std::uint32_t minimum, std::uint32_t maximum) const;
  // The one number that fits here.
  std::uint32_t exactly(std::uint32_t expected) const;
  // Finite and above 0.
  double positive() const;

  [[noreturn]] void reject(const std::string& expected) const;

 private:
  Napi::Value value_;
  std::string name_;
};

}  // namespace lc::addon
