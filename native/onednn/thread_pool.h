// The threads of one device.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace lc::onednn {

// Splits work in pieces that its threads take one after the other: pieces of one image and of several run
// side by side, and a thread that is held up takes fewer. Used by one thread at a time, which works along.
class ThreadPool {
 public:
  // Called once for each piece, with a number below threads() of which no two pieces at work have the same.
  using Work = std::function<void(std::size_t piece, std::uint32_t thread)>;

  // `threads` in all, 1 or more; those and the calling thread are bound to `processors` unless that is empty.
  // Throws Failure.
  ThreadPool(std::uint32_t threads, std::span<const std::uint32_t> processors);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::uint32_t threads() const { return static_cast<std::uint32_t>(workers_.size()) + 1; }
  // Returns when all pieces are done. What a piece throws is thrown here, the first of it; pieces not begun
  // are left out then.
  void run(std::size_t pieces, const Work& work);

 private:
  void serve(std::uint32_t thread);
  void takePieces(std::uint32_t thread) noexcept;

  std::vector<std::thread> workers_;
  // Of the work at hand. Written before round_ is counted up.
  const Work* work_ = nullptr;
  std::size_t pieces_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::mutex failureMutex_;
  std::exception_ptr failure_;

  std::atomic<std::uint32_t> round_ = 0;
  std::atomic<std::uint32_t> atWork_ = 0;
  std::atomic<bool> ends_ = false;
};

}  // namespace lc::onednn
