#include "core/arena.h"

#include <limits>
#include <string>
#include <utility>

#include "core/error.h"

namespace lc::core {

namespace {

[[noreturn]] void tooLarge() {
  throw Error(LC_INVALID, "a run needs more bytes than 64 bits count");
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  if (a > std::numeric_limits<std::uint64_t>::max() - b) tooLarge();
  return a + b;
}

std::uint64_t aligned(std::uint64_t bytes) {
  return sum(bytes, LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
}

}  // namespace

std::uint64_t arenaBytes(const lc_run_memory& memory, std::uint32_t slots) {
  const std::uint64_t slot = sum(aligned(memory.input_bytes), aligned(memory.output_bytes));
  if (slots != 0 && slot > std::numeric_limits<std::uint64_t>::max() / slots) tooLarge();
  return sum(aligned(memory.activation_bytes), slot * slots);
}

Arena::Arena(const lc_backend& backend, lc_device* device, Budget& budget, std::uint32_t slots)
    : backend_(backend),
      device_(device),
      budget_(budget),
      slots_(slots),
      inputStaging_(slots),
      outputStaging_(slots) {}

bool Arena::fits(const lc_run_memory& memory) const {
  return memory.activation_bytes <= activationBytes_ && memory.input_bytes <= inputBytes_ &&
         memory.output_bytes <= outputBytes_;
}

void Arena::ensure(const lc_run_memory& memory) {
  if (fits(memory)) return;
  const std::uint64_t total = arenaBytes(memory, slots_);
  // Until all parts are there, nothing fits.
  activationBytes_ = inputBytes_ = outputBytes_ = 0;
  try {
    if (total > blockBytes_) growBlock(total);
    growStaging(inputStaging_, inputCapacity_, aligned(memory.input_bytes));
    growStaging(outputStaging_, outputCapacity_, aligned(memory.output_bytes));
  } catch (const Error& error) {
    if (error.code() == LC_DEVICE_LOST) {
      abandon();
    } else {
      trim();
    }
    throw;
  }
  activationBytes_ = aligned(memory.activation_bytes);
  inputBytes_ = aligned(memory.input_bytes);
  outputBytes_ = aligned(memory.output_bytes);
}

void Arena::place(lc_run& run) const {
  std::byte* inputs = block_ + activationBytes_;
  std::byte* outputs = inputs + inputBytes_ * slots_;
  run.activations = block_;
  run.activation_bytes = activationBytes_;
  run.device_input = inputs + inputBytes_ * run.slot;
  run.device_output = outputs + outputBytes_ * run.slot;
  run.host_input = inputStaging_[run.slot];
  run.host_output = outputStaging_[run.slot];
}

void Arena::growBlock(std::uint64_t bytes) {
  freeBlock();
  std::uint64_t available = 0;
  if (!budget_.reserve(bytes, available)) {
    throw Error(LC_OUT_OF_MEMORY, "the memory budget of the device has no room for the images")
        .withOperation("reserve")
        .withBytes(bytes, available);
  }
  void* block = nullptr;
  lc_error error = emptyError();
  const lc_code code = backend_.block_alloc(device_, bytes, &block, &error);
  if (code != LC_OK) {
    budget_.release(bytes);
    if (code == LC_OUT_OF_MEMORY) budget_.deny();
    check(code, error);
  }
  block_ = static_cast<std::byte*>(block);
  blockBytes_ = bytes;
}

void Arena::growStaging(std::vector<std::byte*>& staging, std::uint64_t& capacity, std::uint64_t bytes) {
  if (bytes <= capacity) return;
  freeStaging(staging, capacity);
  for (std::byte*& buffer : staging) {
    void* block = nullptr;
    lc_error error = emptyError();
    check(backend_.staging_alloc(device_, bytes, &block, &error), error);
    buffer = static_cast<std::byte*>(block);
  }
  capacity = bytes;
}

void Arena::freeBlock() {
  activationBytes_ = inputBytes_ = outputBytes_ = 0;
  if (block_ == nullptr) return;
  backend_.block_free(device_, std::exchange(block_, nullptr));
  budget_.release(std::exchange(blockBytes_, 0));
}

void Arena::freeStaging(std::vector<std::byte*>& staging, std::uint64_t& capacity) {
  capacity = 0;
  for (std::byte*& buffer : staging) {
    if (buffer != nullptr) backend_.staging_free(device_, std::exchange(buffer, nullptr));
  }
}

void Arena::trim() {
  freeBlock();
  freeStaging(inputStaging_, inputCapacity_);
  freeStaging(outputStaging_, outputCapacity_);
}

void Arena::abandon() {
  activationBytes_ = inputBytes_ = outputBytes_ = 0;
  inputCapacity_ = outputCapacity_ = 0;
  block_ = nullptr;
  budget_.release(std::exchange(blockBytes_, 0));
  inputStaging_.assign(slots_, nullptr);
  outputStaging_.assign(slots_, nullptr);
}

}  // namespace lc::core
