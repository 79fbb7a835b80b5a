// Errors with a stable code, and the argument checks that raise them.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lc::addon {

// The optional fields of a LatentCacheError (ErrorDetails in src/errors.ts); what is empty is left out.
struct ErrorDetails {
  std::string path;
  std::string remedy;
  std::string op;
  std::optional<std::uint64_t> bytesAsked;
  std::optional<std::uint64_t> bytesFree;
};

// A LatentCacheError of this environment (a plain Error with `code` before initialize()).
Napi::Error makeError(Napi::Env env, const char* code, const std::string& message,
                      const ErrorDetails& details = {});

// A plain Error as Node's own file functions give it: errno's name in `code`.
Napi::Error makeSystemError(Napi::Env env, const char* code, const std::string& message);

// ERR_ARGUMENT: "Expected <expected> for <name> but got <got>".
[[noreturn]] void reject(Napi::Env env, const char* name, const std::string& expected,
                         const std::string& got);
// A short text for a value that was not what was asked for.
std::string describe(const Napi::Value& value);

// Any value, under the name that an error is to give it.
std::int32_t integerOf(const Napi::Value& value, const char* name, std::int32_t minimum,
                       std::int32_t maximum);
std::string textOf(const Napi::Value& value, const char* name);
Napi::Array listOf(const Napi::Value& value, const char* name);
Napi::Object objectOf(const Napi::Value& value, const char* name);
Napi::Uint8Array bytesOf(const Napi::Value& value, const char* name);
Napi::Float32Array floatsOf(const Napi::Value& value, const char* name);

// Each reads one named option and throws ERR_ARGUMENT with the name, the expected and the got.
std::int32_t integerOption(const Napi::Object& options, const char* name, std::int32_t minimum,
                           std::int32_t maximum);
std::string stringOption(const Napi::Object& options, const char* name);
bool booleanOption(const Napi::Object& options, const char* name);
// An integer from 0 to the largest that a JS number holds exactly.
std::uint64_t sizeOption(const Napi::Object& options, const char* name);
// Paths, so none has a NUL.
std::vector<std::string> pathsOption(const Napi::Object& options, const char* name);
// A path without NUL, at which the system would cut it.
std::string pathOption(const Napi::Object& options, const char* name);
Napi::Object objectOption(const Napi::Object& options, const char* name);
Napi::Array arrayOption(const Napi::Object& options, const char* name);

// The arguments of a call: the same, by position.
std::string stringArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
std::string pathArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
std::vector<std::string> pathsArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
Napi::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
std::uint64_t sizeArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
Napi::Function functionArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
Napi::Float32Array floatsArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
double numberArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
// A bigint from 0 to 2^64 - 1.
std::uint64_t unsignedArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
std::int32_t integerArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name,
                             std::int32_t minimum, std::int32_t maximum);

}  // namespace lc::addon
