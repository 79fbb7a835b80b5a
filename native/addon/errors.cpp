#include "errors.h"

#include <cmath>

#include "state.h"

namespace lc::addon {
namespace {

std::string quoted(const std::string& text) {
  return std::string("'").append(text).append("'");
}

std::uint64_t sizeOf(const Napi::Value& value, const char* name) {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= 0 && number <= kMaxSafeInteger) || std::trunc(number) != number) {
    reject(value.Env(), name, "an integer from 0 to 2^53 - 1", describe(value));
  }
  return static_cast<std::uint64_t>(number);
}

std::string pathOf(const Napi::Value& value, const char* name) {
  std::string path = textOf(value, name);
  if (path.find('\0') != std::string::npos) reject(value.Env(), name, "a path without NUL", "one with it");
  return path;
}

std::vector<std::string> pathsOf(const Napi::Value& value, const char* name) {
  const Napi::Array list = listOf(value, name);
  std::vector<std::string> paths;
  paths.reserve(list.Length());
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    paths.push_back(pathOf(list.Get(index), name));
  }
  return paths;
}

template <typename Array>
Array arrayOf(const Napi::Value& value, const char* name, napi_typedarray_type type, const char* expected) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    reject(value.Env(), name, expected, describe(value));
  }
  return value.As<Array>();
}

Napi::Object toObject(Napi::Env env, const ErrorDetails& details) {
  Napi::Object result = Napi::Object::New(env);
  const auto setText = [&](const char* name, const std::string& text) {
    if (!text.empty()) result.Set(name, Napi::String::New(env, text));
  };
  const auto setBytes = [&](const char* name, const std::optional<std::uint64_t>& bytes) {
    if (bytes) result.Set(name, Napi::Number::New(env, static_cast<double>(*bytes)));
  };
  setText("path", details.path);
  setText("remedy", details.remedy);
  setText("op", details.op);
  setBytes("bytesAsked", details.bytesAsked);
  setBytes("bytesFree", details.bytesFree);
  return result;
}

}  // namespace

Napi::Error makeError(Napi::Env env, const char* code, const std::string& message,
                      const ErrorDetails& details) {
  const State& state = stateOf(env);
  if (!state.errorClass.IsEmpty()) {
    const Napi::Object error = state.errorClass.New(
        {Napi::String::New(env, code), Napi::String::New(env, message), toObject(env, details)});
    return Napi::Error(env, error);
  }
  return makeSystemError(env, code, message);
}

Napi::Error makeSystemError(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

void reject(Napi::Env env, const char* name, const std::string& expected, const std::string& got) {
  throw makeError(env, "ERR_ARGUMENT", "Expected " + expected + " for " + name + " but got " + got);
}

std::string describe(const Napi::Value& value) {
  if (value.IsNumber() || value.IsBoolean() || value.IsNull() || value.IsUndefined()) {
    return value.ToString().Utf8Value();
  }
  if (value.IsString()) return quoted(value.As<Napi::String>().Utf8Value());
  if (value.IsTypedArray()) return "another typed array";
  if (value.IsArray()) return "an array";
  return value.IsObject() ? "an object" : "a value of another type";
}

std::int32_t integerOf(const Napi::Value& value, const char* name, std::int32_t minimum,
                       std::int32_t maximum) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= minimum && number <= maximum) || std::trunc(number) != number) {
    reject(value.Env(), name, "an integer from " + std::to_string(minimum) + " to " + std::to_string(maximum),
           describe(value));
  }
  return static_cast<std::int32_t>(number);
}

std::string textOf(const Napi::Value& value, const char* name) {
  if (!value.IsString()) reject(value.Env(), name, "a string", describe(value));
  return value.As<Napi::String>().Utf8Value();
}

Napi::Array listOf(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) reject(value.Env(), name, "an array", describe(value));
  return value.As<Napi::Array>();
}

Napi::Float32Array floatsOf(const Napi::Value& value, const char* name) {
  return arrayOf<Napi::Float32Array>(value, name, napi_float32_array, "a Float32Array");
}

std::int32_t integerOption(const Napi::Object& options, const char* name, std::int32_t minimum,
                           std::int32_t maximum) {
  return integerOf(options.Get(name), name, minimum, maximum);
}

std::string stringOption(const Napi::Object& options, const char* name) {
  return textOf(options.Get(name), name);
}

bool booleanOption(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (!value.IsBoolean()) reject(options.Env(), name, "true or false", describe(value));
  return value.As<Napi::Boolean>().Value();
}

std::uint64_t sizeOption(const Napi::Object& options, const char* name) {
  return sizeOf(options.Get(name), name);
}

std::vector<std::string> pathsOption(const Napi::Object& options, const char* name) {
  return pathsOf(options.Get(name), name);
}

std::string pathOption(const Napi::Object& options, const char* name) {
  return pathOf(options.Get(name), name);
}

Napi::Object objectOption(const Napi::Object& options, const char* name) {
  return objectOf(options.Get(name), name);
}

Napi::Array arrayOption(const Napi::Object& options, const char* name) {
  return listOf(options.Get(name), name);
}

std::string stringArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return textOf(info[index], name);
}

Napi::Object objectOf(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) reject(value.Env(), name, "an object", describe(value));
  return value.As<Napi::Object>();
}

Napi::Uint8Array bytesOf(const Napi::Value& value, const char* name) {
  return arrayOf<Napi::Uint8Array>(value, name, napi_uint8_array, "a Uint8Array");
}

std::string pathArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return pathOf(info[index], name);
}

std::vector<std::string> pathsArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return pathsOf(info[index], name);
}

Napi::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return listOf(info[index], name);
}

std::uint64_t sizeArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return sizeOf(info[index], name);
}

Napi::Function functionArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  if (!info[index].IsFunction()) reject(info.Env(), name, "a function", describe(info[index]));
  return info[index].As<Napi::Function>();
}

Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return objectOf(info[index], name);
}

Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return bytesOf(info[index], name);
}

Napi::Float32Array floatsArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return floatsOf(info[index], name);
}

double numberArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  if (!info[index].IsNumber()) reject(info.Env(), name, "a number", describe(info[index]));
  return info[index].As<Napi::Number>().DoubleValue();
}

std::uint64_t unsignedArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  constexpr const char* kExpected = "a bigint from 0 to 2^64 - 1";
  if (!info[index].IsBigInt()) reject(info.Env(), name, kExpected, describe(info[index]));
  bool lossless = false;
  const std::uint64_t value = info[index].As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) reject(info.Env(), name, kExpected, info[index].ToString().Utf8Value());
  return value;
}

std::int32_t integerArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name,
                             std::int32_t minimum, std::int32_t maximum) {
  return integerOf(info[index], name, minimum, maximum);
}

}  // namespace lc::addon
