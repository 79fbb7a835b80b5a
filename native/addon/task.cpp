#include "task.h"

#include <utility>

#include "state.h"

namespace lc::addon {

Napi::Promise Task::queue(Napi::Env env, const char* name, const std::vector<Napi::Value>& kept, Work work,
                          Result result) {
  auto* task = new Task(env, name, kept, std::move(work), std::move(result));  // deletes itself when settled
  const Napi::Promise promise = task->deferred_.Promise();
  task->Queue();
  return promise;
}

Task::Task(Napi::Env env, const char* name, const std::vector<Napi::Value>& kept, Work work, Result result)
    : AsyncWorker(env, name),
      deferred_(Napi::Promise::Deferred::New(env)),
      work_(std::move(work)),
      result_(std::move(result)) {
  for (const Napi::Value& value : kept) kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
  ++stateOf(env).queued;
}

void Task::Execute() {
  try {
    work_();
  } catch (...) {
    failure_ = currentFailure();
    SetError(failure_.message);
  }
}

void Task::OnOK() {
  settle([this] { deferred_.Resolve(result_(Env())); });
}

void Task::OnError(const Napi::Error&) {
  settle([this] { deferred_.Reject(failure_.toJs(Env())); });
}

template <typename Settle>
void Task::settle(Settle settlePromise) {
  State& state = stateOf(Env());
  --state.queued;
  ++state.completed;
  try {
    settlePromise();
  } catch (const Napi::Error&) {
    // The environment is ending and runs no more JS: nobody waits for this promise.
  }
}

}  // namespace lc::addon
