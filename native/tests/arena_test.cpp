// The arena against a device of the toy back-end, on one thread.
#include "core/arena.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "toy.h"

namespace {

using lc::core::Arena;
using lc::core::Budget;
using lc::test::check;

constexpr std::uint32_t kSlots = 2;

// A device and an arena with a budget of `limit` bytes.
class Fixture {
 public:
  explicit Fixture(const std::string& options = "", std::uint64_t limit = 1 << 20) : budget(limit) {
    lc::test::toyOptions(options);
    host_.size = sizeof host_;
    lc_error error = lc::core::emptyError();
    const lc_device_options open{sizeof open, 0, kSlots, 1, nullptr, 0};
    lc::core::check(backend.device_open(context_->get(), &open, &host_, &device_, &error), error);
    arena.emplace(backend, device_, budget, kSlots);
  }
  ~Fixture() {
    arena.reset();
    backend.device_close(device_);
    lc::test::checkToyIsEmpty("after an arena");
  }

 private:
  std::shared_ptr<lc::core::Context> context_ = lc::test::toyContext();
  lc_host host_{};
  lc_device* device_ = nullptr;

 public:
  const lc_backend& backend = context_->backend();
  Budget budget;
  std::optional<Arena> arena;
};

lc_run_memory runMemory(std::uint64_t activations, std::uint64_t input, std::uint64_t output) {
  return {sizeof(lc_run_memory), activations, input, output};
}

lc_run placed(const Arena& arena, std::uint32_t slot) {
  lc_run run{};
  run.slot = slot;
  arena.place(run);
  return run;
}

template <typename Action>
lc_code codeOf(Action action) {
  try {
    action();
  } catch (const lc::core::Error& error) {
    return error.code();
  }
  return LC_OK;
}

void countsBytes() {
  // 1024 + 2 x (512 + 1024)
  check(lc::core::arenaBytes(runMemory(1000, 1, 513), 2) == 4096, "each part is rounded up to 512");
  check(codeOf([] { lc::core::arenaBytes(runMemory(1, UINT64_MAX / 2, 1), 2); }) == LC_INVALID,
        "more than 64 bits hold is refused");
}

void placesPartsApart() {
  Fixture fixture;
  fixture.arena->ensure(runMemory(1000, 700, 300));
  check(fixture.arena->bytes() == 1024 + 2 * (1024 + 512), "the block is as large as all parts");
  struct Part {
    void* first;
    std::size_t bytes;
  };
  std::vector<Part> parts{{placed(*fixture.arena, 0).activations, 1000}};
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    const lc_run run = placed(*fixture.arena, slot);
    check(run.activations == parts[0].first, "the slots share their activations");
    parts.push_back({run.device_input, 700});
    parts.push_back({run.device_output, 300});
    parts.push_back({const_cast<void*>(run.host_input), 700});
    parts.push_back({run.host_output, 300});
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    std::memset(parts[i].first, static_cast<int>(i), parts[i].bytes);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto* bytes = static_cast<const std::uint8_t*>(parts[i].first);
    check(bytes[0] == i && bytes[parts[i].bytes - 1] == i, "part %zu shares no byte with another", i);
  }
  for (std::size_t i : {1, 2, 5, 6}) {
    check(reinterpret_cast<std::uintptr_t>(parts[i].first) % LC_ALIGNMENT == 0, "device part %zu is aligned",
          i);
  }
}

void reusesItsBlock() {
  Fixture fixture;
  fixture.arena->ensure(runMemory(4096, 2048, 2048));
  const void* block = placed(*fixture.arena, 0).activations;
  check(fixture.arena->fits(runMemory(4096, 1024, 512)), "a smaller run fits as it is");
  check(!fixture.arena->fits(runMemory(512, 3072, 512)), "a run with one larger part does not");
  fixture.arena->ensure(runMemory(512, 3072, 512));
  check(placed(*fixture.arena, 0).activations == block, "the block is divided anew, not allocated");
  check(fixture.arena->fits(runMemory(512, 3072, 512)), "and the run fits now");
  fixture.arena->ensure(runMemory(8192, 2048, 2048));
  check(fixture.arena->bytes() == 16384 && fixture.budget.used() == 16384, "a larger one replaces the block");
  fixture.arena->trim();
  check(fixture.budget.used() == 0 && lc::test::toyCounters().live_bytes == 0, "trim frees everything");
}

void refusesWhatTheBudgetDoes() {
  Fixture fixture("", 10000);
  fixture.arena->ensure(runMemory(1024, 512, 512));
  try {
    fixture.arena->ensure(runMemory(8192, 512, 512));
    check(false, "10240 bytes of 10000 are granted");
  } catch (const lc::core::Error& error) {
    check(error.code() == LC_OUT_OF_MEMORY && error.bytesAsked() == 10240 && error.bytesFree() == 10000,
          "the error says what was asked and left");
  }
  check(fixture.arena->bytes() == 0 && fixture.budget.used() == 0, "the arena is empty then");
  fixture.arena->ensure(runMemory(4096, 512, 512));
  check(fixture.arena->bytes() == 6144, "and usable");
}

void survivesFailedAllocations() {
  for (const char* options : {"fail_alloc=1", "fail_staging=1", "fail_staging=2", "fail_staging=4"}) {
    Fixture fixture(options);
    const bool device = std::string(options) == "fail_alloc=1";
    check(codeOf([&] { fixture.arena->ensure(runMemory(1, 1, 1)); }) ==
              (device ? LC_OUT_OF_MEMORY : LC_HOST_MEMORY),
          "%s is reported", options);
    check(fixture.budget.used() == 0 && lc::test::toyCounters().live_bytes == 0, "%s leaves nothing",
          options);
    check(fixture.budget.denied() == (device ? 1 : 0), "%s: a refusal of the device counts", options);
    check(codeOf([&] { fixture.arena->ensure(runMemory(1, 1, 1)); }) == LC_OK, "%s: the next call works",
          options);
  }
}

}  // namespace

int main() {
  countsBytes();
  placesPartsApart();
  reusesItsBlock();
  refusesWhatTheBudgetDoes();
  survivesFailedAllocations();
  return lc::test::report();
}
