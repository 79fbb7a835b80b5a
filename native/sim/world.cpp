#include "sim/world.h"

#include <algorithm>
#include <map>

#include "plugin/failure.h"

namespace lc::sim {

using plugin::Failure;

World& World::of(const std::string& settings) {
  static auto& mutex = *new std::mutex;
  static auto& worlds = *new std::map<std::string, World>;
  const std::lock_guard lock(mutex);
  const auto found = worlds.find(settings);
  if (found != worlds.end()) return found->second;
  return worlds.try_emplace(settings, parseSettings(settings)).first->second;
}

World::World(const Settings& settings) : settings_(settings), others_(settings_), space_(spaceBytes()) {}

MemoryInfo World::memory() {
  const std::lock_guard lock(mutex_);
  requireAlive();
  return {freeBytes(), settings_.capacity};
}

void World::enter() {
  const std::lock_guard lock(mutex_);
  requireAlive();
  if (contextBytes_ == 0) {
    const std::uint64_t free = freeBytes();
    if (settings_.context > free) throw Failure::outOfMemory("device_open", settings_.context, free);
  }
  if (devices_ == 0) addresses_ = std::make_unique<Reservation>(spaceBytes());
  contextBytes_ = settings_.context;
  ++devices_;
}

void World::leave() noexcept {
  const std::lock_guard lock(mutex_);
  if (--devices_ == 0) addresses_.reset();
}

void World::call() {
  const std::lock_guard lock(mutex_);
  loseAt(settings_.loseAtCall, calls_, "call");
}

void World::submit() {
  const std::lock_guard lock(mutex_);
  loseAt(settings_.loseAtSubmit, submits_, "submit");
}

bool World::countAllocation() {
  const std::lock_guard lock(mutex_);
  return ++allocations_ != settings_.failAlloc;
}

void* World::allocate(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t whole = wholeGranules(bytes);
  const std::uint64_t hole = space_.largestHole();
  const std::uint64_t left = settings_.spill > 0 ? hole : std::min(freeBytes(), hole);
  if (whole > left) throw Failure::outOfMemory("allocate", bytes, left);
  const std::uint64_t offset = space_.take(whole).value();
  usedBytes_ += whole;
  return addresses_->base() + offset;
}

bool World::leaks() noexcept {
  const std::lock_guard lock(mutex_);
  return settings_.leak != 0 && ++releases_ % settings_.leak == 0;
}

void World::release(void* block, std::uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const std::uint64_t whole = wholeGranules(bytes);
  space_.give(static_cast<std::uint64_t>(static_cast<std::byte*>(block) - addresses_->base()), whole);
  usedBytes_ -= whole;
}

World::Clock::time_point World::begin(double seconds) {
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> lasts(seconds * settings_.pace);
  busyUntil_ = std::max(busyUntil_, Clock::now()) + std::chrono::duration_cast<Clock::duration>(lasts);
  return busyUntil_;
}

void World::advance(double seconds) {
  const std::lock_guard lock(mutex_);
  second_ += seconds;
}

double World::slowness() {
  const std::lock_guard lock(mutex_);
  const bool fits = contextBytes_ + usedBytes_ + others_.bytesAt(second_) <= settings_.capacity;
  return fits || settings_.spill == 0 ? 1 : settings_.spill;
}

void World::requireAlive() const {
  if (isLost_) throw Failure(LC_DEVICE_LOST, "simulated", "The simulated device is lost");
}

void World::loseAt(std::uint64_t number, std::uint64_t& count, const char* operation) {
  requireAlive();
  if (++count != number) return;
  isLost_ = true;
  throw Failure(LC_DEVICE_LOST, operation, "The simulated device is lost");
}

std::uint64_t World::freeBytes() {
  // Others get no more than there is, and wait for the rest.
  const std::uint64_t taken = contextBytes_ + usedBytes_ + others_.bytesAt(second_);
  return taken >= settings_.capacity ? 0 : settings_.capacity - taken;
}

std::uint64_t World::spaceBytes() const {
  return settings_.spill > 0 ? 2 * settings_.capacity : settings_.capacity;
}

}  // namespace lc::sim
