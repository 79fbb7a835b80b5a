#include "core/job_queue.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace lc::core {

void fail(const Job& job, const Error& error) {
  std::visit(
      [&](const auto& each) {
        using Each = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Each, LoadEngine> || std::is_same_v<Each, LoadNetwork>) {
          settle(each.done, &error, EngineInfo{});
        } else if constexpr (std::is_same_v<Each, MemoryFor>) {
          settle(each.done, &error, RunMemory{});
        } else {
          settle(each.done, &error);
        }
      },
      job);
}

JobQueue::JobQueue(std::uint32_t running) {
  running_.reserve(running);
}

bool JobQueue::push(Job&& job) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    waiting_.push_back(std::move(job));
    if (std::holds_alternative<Encode>(waiting_.back())) ++waitingEncodes_;
  }
  changed_.notify_one();
  return true;
}

std::optional<Job> JobQueue::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, [&] { return stopped_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  std::optional<Job> job(std::move(waiting_.front()));
  waiting_.pop_front();
  if (const Encode* encode = std::get_if<Encode>(&*job)) {
    --waitingEncodes_;
    running_.push_back({encode->request.ticket, false});
  }
  return job;
}

bool JobQueue::end(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(running_, ticket, &Running::ticket);
  const bool cancelled = found->cancelled;
  running_.erase(found);
  return cancelled;
}

JobQueue::Cancelled JobQueue::cancel(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto running = std::ranges::find(running_, ticket, &Running::ticket);
  if (running != running_.end()) {
    running->cancelled = true;
    return {true, std::nullopt};
  }
  const auto found = std::ranges::find_if(waiting_, [&](const Job& job) {
    const Encode* encode = std::get_if<Encode>(&job);
    return encode != nullptr && encode->request.ticket == ticket;
  });
  if (found == waiting_.end()) return {false, std::nullopt};
  Cancelled result{true, std::move(*found)};
  waiting_.erase(found);
  --waitingEncodes_;
  return result;
}

std::list<Job> JobQueue::close() {
  std::list<Job> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  waitingEncodes_ = 0;
  dropped.swap(waiting_);
  return dropped;
}

bool JobQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void JobQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
}

JobQueue::Counts JobQueue::counts() const {
  const std::lock_guard lock(mutex_);
  return {waitingEncodes_, running_.size()};
}

}  // namespace lc::core
