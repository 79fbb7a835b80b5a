// The card itself, as all contexts of this process with the same settings see it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "sim/address_space.h"
#include "sim/other_programs.h"
#include "sim/reservation.h"
#include "sim/settings.h"

namespace lc::sim {

struct MemoryInfo {
  std::uint64_t freeBytes;
  std::uint64_t totalBytes;
};

// Any thread. Functions throw Failure (LC_DEVICE_LOST) once the device is lost, unless they say otherwise.
class World {
 public:
  using Clock = std::chrono::steady_clock;

  // Stays to the end of the process, as what a driver knows does. Throws Failure (LC_INVALID).
  static World& of(const std::string& settings);

  explicit World(const Settings& settings);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const Settings& settings() const { return settings_; }
  MemoryInfo memory();

  // A device is opened and closed. The first one takes the bytes of the driver's context, to the end of the
  // process. LC_OUT_OF_MEMORY.
  void enter();
  void leave() noexcept;

  // Counts a call, and loses the device with it if that is due.
  void call();
  void submit();
  // Counts an allocation. False: it is the one that fails.
  bool countAllocation();
  // Device memory. LC_OUT_OF_MEMORY, also when there is enough in pieces alone.
  void* allocate(std::uint64_t bytes);
  // Whether this release is one that gives nothing back.
  bool leaks() noexcept;
  void release(void* block, std::uint64_t bytes) noexcept;

  // A run that takes so many simulated seconds begins when the runs before it have ended. Returns when it
  // ends.
  Clock::time_point begin(double seconds);
  // It has ended: time goes on.
  void advance(double seconds);
  // How many times as long runs take now, for memory that does not fit.
  double slowness();

 private:
  void requireAlive() const;
  void loseAt(std::uint64_t number, std::uint64_t& count, const char* operation);
  // Left to this process. Without lock.
  std::uint64_t freeBytes();
  std::uint64_t spaceBytes() const;

  const Settings settings_;
  std::mutex mutex_;
  OtherPrograms others_;
  AddressSpace space_;
  std::unique_ptr<Reservation> addresses_;
  std::uint64_t usedBytes_ = 0;
  std::uint64_t contextBytes_ = 0;
  std::uint64_t devices_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t releases_ = 0;
  std::uint64_t submits_ = 0;
  std::uint64_t calls_ = 0;
  bool isLost_ = false;
  double second_ = 0;
  Clock::time_point busyUntil_;
};

}  // namespace lc::sim
