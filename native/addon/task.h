// One piece of work on a libuv worker, and the promise that it settles.
#pragma once

#include <napi.h>

#include <functional>
#include <vector>

#include "failures.h"

namespace lc::addon {

class Task final : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Result = std::function<Napi::Value(Napi::Env)>;

  // Queues `work`, which must not touch JS. `result` runs on the JS thread when it is done. `kept` stay alive
  // until then: whatever the work reads or writes. Rejects with what
  // failures.h makes of the exception that `work` throws.
  static Napi::Promise queue(Napi::Env env, const char* name, const std::vector<Napi::Value>& kept, Work work,
                             Result result);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  Task(Napi::Env env, const char* name, const std::vector<Napi::Value>& kept, Work work, Result result);
  template <typename Settle>
  void settle(Settle settlePromise);

  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  Work work_;
  Result result_;
  Failure failure_;
};

}  // namespace lc::addon
