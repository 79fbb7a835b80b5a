#include "core/device_worker.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "core/budget.h"
#include "core/device_session.h"
#include "core/job_queue.h"

namespace lc::core {

class DeviceWorker::State {
 public:
  explicit State(DeviceOptions options)
      : options_(std::move(options)),
        budget_(options_.memoryBudget),
        queue_(options_.slots),
        runs_(options_.slots) {}

  void run(const Completion<>& opened);
  void post(Job job);
  bool cancel(std::uint64_t ticket);
  DeviceCounters counters() const;
  void close(Completion<> closed);

 private:
  // Does what needs the device.
  template <typename Work>
  std::exception_ptr attempt(Work work) noexcept;
  void execute(const LoadEngine& job);
  void execute(const LoadNetwork& job);
  void execute(const UnloadEngine& job);
  void execute(const MemoryFor& job);
  void execute(const Trim& job);
  void execute(Encode& job);
  void finishOldest();
  void drain();

  const DeviceOptions options_;
  Budget budget_;
  JobQueue queue_;
  std::atomic<std::uint64_t> arenaBytes_ = 0;
  std::atomic<std::uint64_t> enginesLoaded_ = 0;

  // The worker's own.
  std::optional<DeviceSession> session_;
  // Why there is no device to work with any more: it did not open, or was lost.
  std::exception_ptr dead_;
  // A ring of runs by slot; inFlight_ of them, from oldest_ on, are on the device.
  std::vector<std::optional<Encode>> runs_;
  std::uint32_t oldest_ = 0;
  std::uint32_t inFlight_ = 0;

  std::mutex closeMutex_;
  bool closing_ = false;
  bool ended_ = false;
  std::vector<Completion<>> onClosed_;
};

namespace {

template <typename... Values>
void settleWith(const Completion<Values...>& done, const std::exception_ptr& failure,
                const Values&... values) {
  if (!failure) return settle(done, nullptr, values...);
  withError(failure, [&](const Error& error) { settle(done, &error, values...); });
}

}  // namespace

template <typename Work>
std::exception_ptr DeviceWorker::State::attempt(Work work) noexcept {
  if (dead_) return dead_;
  std::exception_ptr failure;
  try {
    work();
  } catch (const Error& error) {
    failure = std::current_exception();
    if (error.code() == LC_DEVICE_LOST && !dead_) {
      dead_ = failure;
      if (session_) session_->abandon();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  arenaBytes_ = session_ ? session_->arenaBytes() : 0;
  enginesLoaded_ = session_ ? session_->enginesLoaded() : 0;
  return failure;
}

void DeviceWorker::State::run(const Completion<>& opened) {
  dead_ = attempt([&] {
    if (queue_.closed()) throw closedError();
    session_.emplace(options_, budget_);
  });
  settleWith(opened, dead_);
  for (;;) {
    if (inFlight_ == options_.slots) finishOldest();
    // Jobs fail without a slot now; those in flight are not to wait behind them.
    if (dead_) drain();
    // Nothing to add to what is in flight: its results are not to wait for another job.
    std::optional<Job> job = queue_.take(inFlight_ == 0);
    if (!job && inFlight_ == 0) break;
    if (!job) {
      finishOldest();
      continue;
    }
    if (!std::holds_alternative<Encode>(*job)) drain();
    std::visit([&](auto& each) { execute(each); }, *job);
  }
  session_.reset();
  arenaBytes_ = enginesLoaded_ = 0;
  std::vector<Completion<>> closed;
  {
    const std::lock_guard lock(closeMutex_);
    ended_ = true;
    closed.swap(onClosed_);
  }
  for (const Completion<>& each : closed) settle(each, nullptr);
}

void DeviceWorker::State::execute(const LoadEngine& job) {
  EngineInfo info{};
  const std::exception_ptr failure = attempt([&] { info = session_->loadEngine(job.plan); });
  settleWith(job.done, failure, info);
}

void DeviceWorker::State::execute(const LoadNetwork& job) {
  EngineInfo info{};
  const std::exception_ptr failure = attempt([&] { info = session_->loadNetwork(job.network); });
  settleWith(job.done, failure, info);
}

void DeviceWorker::State::execute(const UnloadEngine& job) {
  settleWith(job.done, attempt([&] { session_->unloadEngine(job.engine); }));
}

void DeviceWorker::State::execute(const MemoryFor& job) {
  RunMemory memory{};
  const std::exception_ptr failure = attempt([&] { memory = session_->memoryFor(job.engine, job.shape); });
  settleWith(job.done, failure, memory);
}

void DeviceWorker::State::execute(const Trim& job) {
  settleWith(job.done, attempt([&] { session_->arena().trim(); }));
}

void DeviceWorker::State::execute(Encode& job) {
  std::uint32_t slot = 0;
  const std::exception_ptr failure = attempt([&] {
    const lc_run_memory memory = session_->prepare(job.request);
    if (!session_->arena().fits(memory)) {
      drain();
      if (dead_) std::rethrow_exception(dead_);
      session_->arena().ensure(memory);
    }
    slot = (oldest_ + inFlight_) % options_.slots;
    session_->submit(job.request, slot);
  });
  if (failure) {
    if (queue_.end(job.request.ticket)) return settle(job.done, &cancelledError());
    return settleWith(job.done, failure);
  }
  runs_[slot].emplace(std::move(job));
  ++inFlight_;
}

void DeviceWorker::State::finishOldest() {
  const std::uint32_t slot = oldest_;
  const Encode job = std::move(*runs_[slot]);
  runs_[slot].reset();
  oldest_ = (oldest_ + 1) % options_.slots;
  --inFlight_;
  const std::exception_ptr failure = attempt([&] { session_->finish(slot); });
  if (queue_.end(job.request.ticket)) return settle(job.done, &cancelledError());
  if (!failure) session_->copyOutput(slot, job.request.output);
  settleWith(job.done, failure);
}

void DeviceWorker::State::drain() {
  while (inFlight_ > 0) finishOldest();
}

void DeviceWorker::State::post(Job job) {
  if (!queue_.push(std::move(job))) fail(job, closedError());
}

bool DeviceWorker::State::cancel(std::uint64_t ticket) {
  const JobQueue::Cancelled cancelled = queue_.cancel(ticket);
  if (cancelled.job) fail(*cancelled.job, cancelledError());
  return cancelled.known;
}

DeviceCounters DeviceWorker::State::counters() const {
  const JobQueue::Counts counts = queue_.counts();
  return {budget_.limit(), budget_.used(), budget_.peak(), budget_.denied(),
          arenaBytes_,     enginesLoaded_, counts.waiting, counts.running};
}

void DeviceWorker::State::close(Completion<> closed) {
  bool first = false;
  bool ended = false;
  {
    const std::lock_guard lock(closeMutex_);
    ended = ended_;
    if (!ended && closed) onClosed_.push_back(std::move(closed));
    first = !std::exchange(closing_, true);
  }
  if (ended && closed) settle(closed, nullptr);
  if (!first) return;
  // Before stop(): `closed` is to come after them.
  for (const Job& job : queue_.close()) fail(job, closedError());
  queue_.stop();
}

DeviceWorker::DeviceWorker(DeviceOptions options, Completion<> opened) {
  if (options.slots == 0) throw Error(LC_INVALID, "a device needs at least one slot");
  if (options.threads == 0) throw Error(LC_INVALID, "a device needs at least one thread");
  state_ = std::make_shared<State>(std::move(options));
  try {
    thread_ = std::thread([state = state_, opened = std::move(opened)] { state->run(opened); });
  } catch (const std::system_error& error) {
    throw Error(LC_INTERNAL, error.what()).withOperation("pthread_create");
  }
}

DeviceWorker::~DeviceWorker() {
  state_->close({});
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void DeviceWorker::loadEngine(PlanLocation plan, Completion<EngineInfo> done) {
  state_->post(LoadEngine{std::move(plan), std::move(done)});
}

void DeviceWorker::loadNetwork(Network network, Completion<EngineInfo> done) {
  state_->post(LoadNetwork{std::move(network), std::move(done)});
}

void DeviceWorker::unloadEngine(std::uint32_t engine, Completion<> done) {
  state_->post(UnloadEngine{engine, std::move(done)});
}

void DeviceWorker::memoryFor(std::uint32_t engine, lc_shape shape, Completion<RunMemory> done) {
  state_->post(MemoryFor{engine, shape, std::move(done)});
}

void DeviceWorker::encode(EncodeRequest request, Completion<> done) {
  state_->post(Encode{std::move(request), std::move(done)});
}

bool DeviceWorker::cancel(std::uint64_t ticket) {
  return state_->cancel(ticket);
}

void DeviceWorker::trim(Completion<> done) {
  state_->post(Trim{std::move(done)});
}

DeviceCounters DeviceWorker::counters() const {
  return state_->counters();
}

void DeviceWorker::close(Completion<> closed) {
  state_->close(std::move(closed));
}

}  // namespace lc::core
