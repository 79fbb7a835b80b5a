// The plug-in's table as the core uses it: a host with a budget, a device and an engine on it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/lc_backend.h"

namespace lc::test {

class BudgetHost {
 public:
  explicit BudgetHost(std::uint64_t budget = std::uint64_t{1} << 32) : budget_(budget) {}
  BudgetHost(const BudgetHost&) = delete;
  BudgetHost& operator=(const BudgetHost&) = delete;

  // The host must stay where it is while the table is in use.
  lc_host table();
  // The number-th reserve is refused, counted from 1 and from the beginning; 0: none.
  void refuse(std::uint32_t number) { refused_ = number; }
  std::uint32_t reserves() const { return reserves_; }
  std::uint64_t reserved() const { return reserved_; }
  // No more was ever released than reserved.
  bool isBalanced() const { return balanced_; }

 private:
  static std::int32_t reserve(void* self, std::uint64_t bytes, std::uint64_t* available);
  static void release(void* self, std::uint64_t bytes);

  const std::uint64_t budget_;
  std::mutex mutex_;
  std::uint32_t refused_ = 0;
  std::uint32_t reserves_ = 0;
  std::uint64_t reserved_ = 0;
  bool balanced_ = true;
};

// Where a block lies between two pages that end the process when they are touched.
enum class Edge { kFront, kBack };

// What a run gets as memory.
struct Surroundings {
  Edge edge = Edge::kBack;
  // What everything but the pixels holds before.
  std::uint8_t content = 0xFF;
};

class Session {
 public:
  // Ends the program when the device does not open.
  Session(BudgetHost& host, std::uint32_t threads);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // error() says more unless they return LC_OK.
  lc_code open(const lc_network& network);
  lc_code memoryFor(const lc_shape& shape, lc_run_memory& memory);
  const lc_error& error() const { return error_; }
  lc_engine_info info();
  // The moments. Ends the program when the run fails.
  std::vector<float> run(const lc_shape& shape, const std::vector<std::uint8_t>& pixels,
                         const Surroundings& surroundings = {});
  // A run that is to be refused: it has no memory.
  lc_code submit(const lc_shape& shape, std::uint64_t activationBytes);

  lc_device* device() { return device_; }

 private:
  lc_error* fresh();
  void require(lc_code code, const char* what) const;

  const lc_backend& backend_;
  lc_error error_{};
  lc_context* context_ = nullptr;
  lc_device* device_ = nullptr;
  lc_engine* engine_ = nullptr;
};

const lc_backend& cpuBackend();

// Those that this machine computes in.
std::vector<lc_precision> precisionsHere();

// The precision that a test is called with: fp32, bf16 or bf16x3. Ends the program: with 77, which ctest
// takes as skipped, when this machine does not compute in it.
lc_precision precisionNamed(const std::string& name);

}  // namespace lc::test
