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

  // JS thread. Runs what is there now instead of at the next turn of the event loop.
  void flush() { run(env_, mailbox_); }

  // JS thread. Nothing runs afterwards.
  void close();

 private:
  struct Mailbox {
    std::mutex mutex;
    std::vector<Action> actions;
    bool closed = false;
  };
  static void wake(Napi::Env env, Napi::Function, std::shared_ptr<Mailbox>* mailbox, void*);
  static void run(Napi::Env env, std::shared_ptr<Mailbox> mailbox);
  using WakeFunction = Napi::TypedThreadSafeFunction<std::shared_ptr<Mailbox>, void, wake>;

  Napi::Env env_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  WakeFunction wake_;
};

}  // namespace lc::addon
