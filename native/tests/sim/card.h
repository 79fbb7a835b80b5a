// The simulated GPU's table as the core uses it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "core/lc_backend.h"

namespace lc::test {

inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// 1 GiB, and 10^12 operations or bytes a second; runs take no real time.
inline const std::string kSmallCard = "capacity=1GiB tflops=1 bandwidth=1000 pace=0 ";
// A plan for up to 4 images of up to 1024 x 1024.
inline const std::string kPlan =
    "sim precision=fp16 chunks=4 maxcount=4 minheight=64 maxheight=1024 minwidth=64 maxwidth=1024 "
    "channels=8 stride=8 weights=68320000 operations=4128642 pairs=2048 elements=5283.375 width=128";

// Ends the program when the context does not open.
class Context {
 public:
  // In a world of its own, unless `settings` name one.
  explicit Context(const std::string& settings);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  lc_context* get() const { return context_; }
  std::uint64_t freeBytes() const;
  lc_code memory(std::uint64_t& freeBytes) const;

 private:
  lc_context* context_ = nullptr;
};

// Each function leaves what went wrong in error.
class Card {
 public:
  // Ends the program when the device does not open.
  explicit Card(const Context& context, std::uint64_t budget = std::uint64_t{1} << 40);
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  // nullptr: refused.
  void* allocate(std::uint64_t bytes);
  void release(void* block);
  void* allocateStaging(std::uint64_t bytes);
  void releaseStaging(void* block);
  lc_engine* open(const std::string& plan = kPlan);
  static void close(lc_engine* engine);
  lc_code memoryFor(lc_engine* engine, const lc_shape& shape, lc_run_memory& memory);
  // One run, with memory of its own; the images lie one behind the other. Empty: it failed.
  std::vector<float> run(lc_engine* engine, const lc_shape& shape, const std::vector<std::uint8_t>& images,
                         std::uint32_t slot = 0);

  // Of the budget.
  std::uint64_t reserved() const { return reserved_; }
  lc_error error{};

 private:
  lc_error* fresh();

  lc_host host_{};
  const std::uint64_t budget_;
  std::uint64_t reserved_ = 0;
  lc_device* device_ = nullptr;
};

// What context_open says to settings.
lc_error opening(const std::string& settings);

std::vector<std::uint8_t> randomImages(const lc_shape& shape, std::uint64_t seed);

}  // namespace lc::test
