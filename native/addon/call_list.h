// The promises of one device that are not settled yet, and what must stay alive until they are.
#pragma once

#include <napi.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace lc::addon {

// Used on the JS thread alone.
class CallList {
 public:
  struct Started {
    std::uint64_t id;
    Napi::Promise promise;
  };

  // `kept` stay alive until the call is settled: what another thread reads or writes meanwhile.
  Started start(Napi::Env env, const std::vector<Napi::Value>& kept);
  void resolve(std::uint64_t id, const Napi::Value& value);
  void reject(std::uint64_t id, const Napi::Value& error);
  // Forgets all of them: the environment is ending and nobody waits.
  void drop() { calls_.clear(); }
  bool empty() const { return calls_.empty(); }

 private:
  struct Call {
    Napi::Promise::Deferred deferred;
    std::vector<Napi::ObjectReference> kept;
  };
  Call take(std::uint64_t id);

  std::uint64_t lastId_ = 0;
  std::unordered_map<std::uint64_t, Call> calls_;
};

}  // namespace lc::addon
