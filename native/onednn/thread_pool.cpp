#include "onednn/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <string>
#include <system_error>
#include <utility>

#include "onednn/serial.h"
#include "plugin/failure.h"

namespace lc::onednn {
namespace {

using plugin::Failure;

// A set of any number of processors: cpu_set_t ends at 1024.
void bindThisThread(std::span<const std::uint32_t> processors) {
  if (processors.empty()) return;
  std::uint32_t last = 0;
  for (const std::uint32_t processor : processors) last = std::max(last, processor);
  cpu_set_t* set = CPU_ALLOC(last + 1);
  if (set == nullptr) throw std::bad_alloc();
  const std::size_t bytes = CPU_ALLOC_SIZE(last + 1);
  CPU_ZERO_S(bytes, set);
  for (const std::uint32_t processor : processors) CPU_SET_S(processor, bytes, set);
  const int status = pthread_setaffinity_np(pthread_self(), bytes, set);
  CPU_FREE(set);
  if (status != 0) {
    throw Failure(
        LC_INVALID, "pthread_setaffinity_np",
        "The threads cannot be bound to these processors: " + std::generic_category().message(status));
  }
}

}  // namespace

ThreadPool::ThreadPool(std::uint32_t threads, std::span<const std::uint32_t> processors) {
  if (threads == 0) throw Failure(LC_INVALID, "", "A device needs a thread");
  // New threads inherit it.
  bindThisThread(processors);
  runSerially();
  // A started thread is to be joined whatever happens.
  workers_.reserve(threads - 1);
  try {
    for (std::uint32_t thread = 1; thread < threads; ++thread) {
      workers_.emplace_back([this, thread] { serve(thread); });
    }
  } catch (const std::system_error& error) {
    ends_ = true;
    ++round_;
    round_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    throw Failure(LC_HOST_MEMORY, "pthread_create", std::string("No more threads: ") + error.what());
  }
}

ThreadPool::~ThreadPool() {
  ends_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t pieces, const Work& work) {
  work_ = &work;
  pieces_ = pieces;
  next_ = 0;
  failure_ = nullptr;
  // All of them answer, also those that find nothing left: the next round must not begin under their hands.
  atWork_ = static_cast<std::uint32_t>(workers_.size());
  ++round_;
  round_.notify_all();
  takePieces(0);
  for (std::uint32_t left = atWork_; left != 0; left = atWork_) atWork_.wait(left);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::serve(std::uint32_t thread) {
  runSerially();
  for (std::uint32_t seen = 0;;) {
    round_.wait(seen);
    // One at a time: run() waits for every worker before it begins another.
    ++seen;
    if (ends_) return;
    takePieces(thread);
    if (--atWork_ == 0) atWork_.notify_one();
  }
}

void ThreadPool::takePieces(std::uint32_t thread) noexcept {
  for (std::size_t piece = next_++; piece < pieces_; piece = next_++) {
    try {
      (*work_)(piece, thread);
    } catch (...) {
      next_ = pieces_;
      const std::lock_guard lock(failureMutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

}  // namespace lc::onednn
