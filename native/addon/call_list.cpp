#include "call_list.h"

#include <utility>

#include "state.h"

namespace lc::addon {

CallList::Started CallList::start(Napi::Env env, const std::vector<Napi::Value>& kept) {
  Call call{Napi::Promise::Deferred::New(env), {}};
  for (const Napi::Value& value : kept) call.kept.push_back(Napi::Persistent(value.As<Napi::Object>()));
  const Napi::Promise promise = call.deferred.Promise();
  calls_.emplace(++lastId_, std::move(call));
  ++stateOf(env).queued;
  return {lastId_, promise};
}

void CallList::resolve(std::uint64_t id, const Napi::Value& value) {
  take(id).deferred.Resolve(value);
}

void CallList::reject(std::uint64_t id, const Napi::Value& error) {
  take(id).deferred.Reject(error);
}

CallList::Call CallList::take(std::uint64_t id) {
  Call call = std::move(calls_.extract(id).mapped());
  State& state = stateOf(call.deferred.Env());
  --state.queued;
  ++state.completed;
  return call;
}

}  // namespace lc::addon
