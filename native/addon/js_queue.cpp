#include "js_queue.h"

#include <utility>

namespace lc::addon {

JsQueue::JsQueue(Napi::Env env, const char* name) : env_(env) {
  // The thread-safe function outlives this object by a turn of the event loop: it has a share of the mailbox.
  wake_ = WakeFunction::New(env, name, 0, 1, new std::shared_ptr<Mailbox>(mailbox_),
                            [](Napi::Env, void*, std::shared_ptr<Mailbox>* mailbox) { delete mailbox; });
  wake_.Unref(env);
}

void JsQueue::post(Action action) {
  const std::lock_guard lock(mailbox_->mutex);
  if (mailbox_->closed) return;
  mailbox_->actions.push_back(std::move(action));
  // One wake-up takes all that is there. Under the lock, so that close() cannot come between.
  if (mailbox_->actions.size() == 1) wake_.NonBlockingCall();
}

void JsQueue::keepAlive(bool keep) {
  if (keep) {
    wake_.Ref(env_);
  } else {
    wake_.Unref(env_);
  }
}

void JsQueue::close() {
  std::vector<Action> dropped;
  {
    const std::lock_guard lock(mailbox_->mutex);
    if (mailbox_->closed) return;
    mailbox_->closed = true;
    dropped.swap(mailbox_->actions);
  }
  wake_.Abort();
}

void JsQueue::wake(Napi::Env env, Napi::Function, std::shared_ptr<Mailbox>* mailbox, void*) {
  // A wake-up that comes after the finalizer has no environment, and its mailbox is gone.
  if (static_cast<napi_env>(env) == nullptr) return;
  run(env, *mailbox);
}

void JsQueue::run(Napi::Env env, std::shared_ptr<Mailbox> mailbox) {
  std::vector<Action> actions;
  {
    const std::lock_guard lock(mailbox->mutex);
    actions.swap(mailbox->actions);
  }
  for (const Action& action : actions) {
    {
      const std::lock_guard lock(mailbox->mutex);
      if (mailbox->closed) return;
    }
    const Napi::HandleScope scope(env);
    try {
      action(env);
    } catch (const Napi::Error&) {
      // The environment is ending and runs no more JS: nobody waits for the promise.
    }
  }
}

}  // namespace lc::addon
