// Closures from any thread to the JS thread of one environment, through one thread-safe function.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace lc::addon {

class JsQueue {
 public:
  using Action = std::function<void(Napi::Env)>;

  // JS thread. `name` is what async hooks see.
  JsQueue(Napi::Env env, const char* name);
  ~JsQueue() { close(); }
  JsQueue(const JsQueue&) = delete;
  JsQueue& operator=(const JsQueue&) = delete;

  // Any thread; never waits. An action that did not run before close() is dropped, maybe on the calling
  // thread, so it must not own anything of JS.
  void post(Action action);

  // JS thread. Whether the queue keeps the event loop alive; it does not at first.
  void keepAlive(bool keep);

  // JS thread. Nothing runs afterwards.
  void close();

 private:
  struct Mailbox {
    std::mutex mutex;
    std::vector<Action> actions;
    bool closed = false;
  };
  static void drain(Napi::Env env, Napi::Function, std::shared_ptr<Mailbox>* mailbox, void*);
  using Wake = Napi::TypedThreadSafeFunction<std::shared_ptr<Mailbox>, void, drain>;

  Napi::Env env_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  Wake wake_;
};

}  // namespace lc::addon
