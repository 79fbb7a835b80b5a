// A device in use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "scenarios/bench.h"

namespace lc::test {

// What the core does with a device: opens it, places runs in one block, encodes, closes. The first error ends
// it.
class Job {
 public:
  Job(Bench& bench, Host& host, std::uint32_t number = 0)
      : bench_(bench), host_(host), face_(host.face()), number_(number) {}
  ~Job() { close(); }

  bool open(const std::string& plan) {
    const lc_device_options options{sizeof options, number_, kSlots, 1, nullptr, 0};
    return keep(bench_.backend.device_open(bench_.context, &options, &face_, &device_, &error_)) &&
           openEngine(plan);
  }
  bool openEngine(const std::string& plan) {
    return keep(bench_.backend.engine_open(device_, plan.data(), plan.size(), &engine_, &error_));
  }
  bool memory(lc_shape shape, lc_run_memory& memory) {
    memory.size = sizeof memory;
    return keep(bench_.backend.engine_memory(engine_, &shape, &memory, &error_));
  }

  bool openAndEncode(const std::string& plan, lc_shape shape, int runs) {
    closeEngine();
    return openEngine(plan) && encode(shape, runs);
  }

  // Runs of one shape, as many in flight as there are slots; every value is compared.
  bool encode(lc_shape shape, int runs) {
    lc_run_memory need{};
    if (!memory(shape, need) || !allocate(need)) return false;
    std::vector<int> inSlot(kSlots, -1);
    for (int run = 0; run < runs + static_cast<int>(kSlots); ++run) {
      const std::uint32_t slot = static_cast<std::uint32_t>(run) % kSlots;
      if (inSlot[slot] >= 0 && !collect(slot, shape, inSlot[slot])) return false;
      inSlot[slot] = -1;
      if (run >= runs) continue;
      if (!send(slot, shape, need, run)) {
        finishOthers(inSlot);
        return false;
      }
      inSlot[slot] = run;
    }
    return true;
  }

  void closeEngine() {
    if (engine_ != nullptr) bench_.backend.engine_close(engine_);
    engine_ = nullptr;
  }
  void close() {
    closeEngine();
    freeMemory();
    if (device_ != nullptr) bench_.backend.device_close(device_);
    device_ = nullptr;
  }
  void freeMemory() {
    if (block_ != nullptr) {
      if (code_ != LC_DEVICE_LOST) bench_.backend.block_free(device_, block_);
      Host::release(&host_, blockBytes_);
    }
    block_ = nullptr;
    for (void*& staging : staging_) {
      if (staging != nullptr && code_ != LC_DEVICE_LOST) bench_.backend.staging_free(device_, staging);
      staging = nullptr;
    }
  }

  // One run in slot 0, left in flight.
  bool submitAlone(lc_shape shape) {
    lc_run_memory need{};
    return memory(shape, need) && allocate(need) && submitAgain(shape, need);
  }
  bool submitAgain(lc_shape shape, const lc_run_memory& need) { return send(0, shape, need, 0); }
  // Without new pixels.
  bool submitSlotInFlight(lc_shape shape) { return submit(0, shape); }
  bool finishAlone(lc_shape shape) { return collect(0, shape, 0); }
  void shrinkActivations(std::uint64_t bytes) { activationsGiven_ = bytes; }
  lc_engine_info info() {
    lc_engine_info info{};
    info.size = sizeof info;
    keep(bench_.backend.engine_info(engine_, &info, &error_));
    return info;
  }
  // As if nothing had failed.
  void forget() { code_ = LC_OK; }
  lc_code code() const { return code_; }
  const lc_error& error() const { return error_; }

 private:
  bool keep(lc_code code) {
    if (code_ == LC_OK) code_ = code;
    return code == LC_OK;
  }

  bool allocate(const lc_run_memory& need) {
    const auto aligned = [](std::uint64_t bytes) {
      return (bytes + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
    };
    freeMemory();
    activations_ = aligned(need.activation_bytes);
    input_ = aligned(need.input_bytes);
    output_ = aligned(need.output_bytes);
    blockBytes_ = activations_ + kSlots * (input_ + output_);
    std::uint64_t available = 0;
    if (Host::reserve(&host_, blockBytes_, &available) == 0) return keep(LC_OUT_OF_MEMORY);
    if (!keep(bench_.backend.block_alloc(device_, blockBytes_, &block_, &error_))) {
      block_ = nullptr;
      Host::release(&host_, blockBytes_);
      return false;
    }
    for (std::size_t i = 0; i < staging_.size(); ++i) {
      const std::uint64_t bytes = i < kSlots ? need.input_bytes : need.output_bytes;
      if (!keep(bench_.backend.staging_alloc(device_, bytes, &staging_[i], &error_))) return false;
    }
    return true;
  }

  // As the core does before it uses the memory for anything else.
  void finishOthers(const std::vector<int>& inSlot) {
    lc_error error = Bench::empty();
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      if (inSlot[slot] >= 0 && code_ != LC_DEVICE_LOST) bench_.backend.finish(device_, slot, &error);
    }
  }

  static unsigned char pixelOf(int run, std::uint64_t i) {
    return static_cast<unsigned char>(i * 7 + static_cast<std::uint64_t>(run) * 31);
  }

  bool send(std::uint32_t slot, lc_shape shape, const lc_run_memory& need, int run) {
    auto* pixels = static_cast<unsigned char*>(staging_[slot]);
    for (std::uint64_t i = 0; i < need.input_bytes; ++i) pixels[i] = pixelOf(run, i);
    return submit(slot, shape);
  }

  bool submit(std::uint32_t slot, lc_shape shape) {
    auto* block = static_cast<unsigned char*>(block_);
    lc_run request{};
    request.size = sizeof request;
    request.shape = shape;
    request.slot = slot;
    request.activations = block;
    request.activation_bytes = std::min(activations_, activationsGiven_);
    request.device_input = block + activations_ + slot * input_;
    request.device_output = block + activations_ + kSlots * input_ + slot * output_;
    request.host_input = staging_[slot];
    request.host_output = staging_[kSlots + slot];
    return keep(bench_.backend.submit(engine_, &request, &error_));
  }

  bool collect(std::uint32_t slot, lc_shape shape, int run) {
    if (!keep(bench_.backend.finish(device_, slot, &error_))) return false;
    const auto* moments = static_cast<const float*>(staging_[kSlots + slot]);
    const std::uint64_t rows = shape.height / 8;
    const std::uint64_t columns = shape.width / 8;
    int wrong = 0;
    for (std::uint64_t n = 0, at = 0; n < shape.count; ++n) {
      for (std::uint64_t c = 0; c < 8; ++c) {
        for (std::uint64_t y = 0; y < rows; ++y) {
          for (std::uint64_t x = 0; x < columns; ++x, ++at) {
            const std::uint64_t pixel = ((n * shape.height + y * 8) * shape.width + x * 8) * 3 + c % 3;
            if (moments[at] != static_cast<float>(pixelOf(run, pixel)) + static_cast<float>(c)) ++wrong;
          }
        }
      }
    }
    check(wrong == 0, "run %d: %d values are wrong", run, wrong);
    return true;
  }

  Bench& bench_;
  Host& host_;
  lc_host face_;
  std::uint32_t number_;
  lc_device* device_ = nullptr;
  lc_engine* engine_ = nullptr;
  void* block_ = nullptr;
  std::uint64_t blockBytes_ = 0;
  std::uint64_t activations_ = 0;
  std::uint64_t activationsGiven_ = UINT64_MAX;
  std::uint64_t input_ = 0;
  std::uint64_t output_ = 0;
  std::vector<void*> staging_ = std::vector<void*>(2 * kSlots, nullptr);
  lc_code code_ = LC_OK;
  lc_error error_ = Bench::empty();
};

}  // namespace lc::test
