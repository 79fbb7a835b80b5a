// A Node module for the tests: read(path of the toy back-end) gives the counters of that library in this
// process.
#include <dlfcn.h>
#include <node_api.h>

#include <string>

#include "toy_backend.h"

namespace {

napi_value read(napi_env env, napi_callback_info info) {
  std::size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  char path[4096] = "";
  napi_get_value_string_utf8(env, argument, path, sizeof path, nullptr);
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const auto readCounters = reinterpret_cast<lc_toy_counters_function>(
      library == nullptr ? nullptr : ::dlsym(library, LC_TOY_COUNTERS_SYMBOL));
  if (readCounters == nullptr) {
    napi_throw_error(env, nullptr, "no counters there");
    return nullptr;
  }
  lc_toy_counters counters{};
  readCounters(&counters);

  napi_value result = nullptr;
  napi_create_object(env, &result);
  const auto set = [&](const char* name, std::uint64_t value) {
    napi_value number = nullptr;
    napi_create_double(env, static_cast<double>(value), &number);
    napi_set_named_property(env, result, name, number);
  };
  set("liveBytes", counters.live_bytes);
  set("liveEngines", counters.live_engines);
  set("liveDevices", counters.live_devices);
  set("runs", counters.runs);
  set("mostInFlight", counters.most_in_flight);
  set("threads", counters.threads);
  set("lastProcessor", counters.last_processor);
  napi_value misuse = nullptr;
  napi_create_string_utf8(env, counters.misuse, NAPI_AUTO_LENGTH, &misuse);
  napi_set_named_property(env, result, "misuse", misuse);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "read", NAPI_AUTO_LENGTH, read, nullptr, &function);
  napi_set_named_property(env, exports, "read", function);
  return exports;
}
