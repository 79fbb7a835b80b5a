// Streams and events of the fake CUDA runtime.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

// Counts how often it was recorded, and how many of those records a stream has come to.
struct CUevent_st {
  std::uint64_t record() {
    const std::lock_guard lock(mutex_);
    return ++recorded_;
  }
  std::uint64_t recorded() {
    const std::lock_guard lock(mutex_);
    return recorded_;
  }
  void reach(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (number > reached_) reached_ = number;
    changed_.notify_all();
  }
  void wait(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_ >= number; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t recorded_ = 0;
  std::uint64_t reached_ = 0;
};

// One thread that does what is pushed, in order.
struct CUstream_st {
  CUstream_st() : thread_([this] { run(); }) {}
  ~CUstream_st() {
    end();
    thread_.join();
  }

  void push(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    changed_.notify_all();
  }
  // The thread ends after what is queued.
  void end() {
    const std::lock_guard lock(mutex_);
    isEnding_ = true;
    changed_.notify_all();
  }
  void drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty(); });
  }
  std::size_t pending() {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  // Work leaves the queue when it is done.
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return isEnding_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::function<void()> work = queue_.front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
      queue_.pop_front();
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool isEnding_ = false;
  std::thread thread_;
};
