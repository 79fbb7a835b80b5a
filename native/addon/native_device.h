// The JS object of one open device (NativeDevice in src/native/binding.ts).
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "call_list.h"
#include "core/device_worker.h"
#include "js_queue.h"

namespace lc::addon {

// Its thread answers through one thread-safe function. While calls are pending, the object and the event loop
// stay alive; otherwise the garbage collector may take it, which closes the device. So does the end of the
// environment.
class NativeDevice final : public Napi::ObjectWrap<NativeDevice> {
 public:
  // Makes the class of this environment.
  static void define(Napi::Env env);
  // Starts the device's thread.
  //
  // @returns a promise of the object
  static Napi::Value open(Napi::Env env, core::DeviceOptions options);

  // JS cannot make one by itself: throws unless `open` is at work.
  explicit NativeDevice(const Napi::CallbackInfo& info);
  ~NativeDevice() override;

 private:
  // Begins a call: `ask` hands it to the worker, whose completion settles it. `kept` stay alive until then.
  using Ask = std::function<void(std::uint64_t call)>;
  Napi::Value start(Napi::Env env, const std::vector<Napi::Value>& kept, const Ask& ask);
  // The same; rejects when the device is closed.
  Napi::Value startOnWorker(Napi::Env env, const std::vector<Napi::Value>& kept, const Ask& ask);
  template <typename... Result>
  core::Completion<Result...> settles(std::uint64_t call);
  core::Completion<> settlesOpening(std::uint64_t call);
  core::Completion<> settlesClosing(std::uint64_t call);
  void releaseWhenIdle();

  Napi::Value loadEngine(const Napi::CallbackInfo& info);
  Napi::Value loadNetwork(const Napi::CallbackInfo& info);
  Napi::Value unloadEngine(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value memoryFor(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value trim(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // Closes the device and waits for its thread.
  void endWorker();
  // Clean-up hook: the last moment at which references can be given back.
  static void endWithEnvironment(void* self);

  CallList calls_;
  JsQueue queue_;
  // For what is asked beside the worker.
  std::shared_ptr<core::Context> context_;
  std::uint32_t deviceIndex_ = 0;
  core::DeviceCounters lastCounters_{};
  bool environmentEnded_ = false;
  // Null before it is open and after it was closed. Its thread uses the queue.
  std::unique_ptr<core::DeviceWorker> worker_;
};

}  // namespace lc::addon
