// Runs scenarios and looks at what they leave.
#pragma once

#include <functional>
#include <string>

#include "check.h"
#include "scenarios/bench.h"

namespace lc::test {

class Scenarios {
 public:
  explicit Scenarios(Bench& bench) : bench_(bench) {}

  // Runs one on fresh doubles, and demands that nothing is left of it unless the device is lost.
  void run(const std::string& name, const lc_fake_cuda_options& cuda, const lc_fake_trt_options& trt,
           Host host, const std::function<void(Host&)>& body) {
    ++count_;
    bench_.doubles.cudaReset(&cuda);
    bench_.doubles.trtReset(&trt);
    body(host);
    lc_fake_cuda_state left{};
    lc_fake_trt_state trtLeft{};
    bench_.doubles.cudaQuery(&left);
    bench_.doubles.trtQuery(&trtLeft);
    const std::int64_t objects = trtLeft.objects;
    const bool isLost = bench_.isLost(cuda);
    check(left.calls_after_loss == 0, "%s: %lld calls after the device was lost", name.c_str(),
          static_cast<long long>(left.calls_after_loss));
    if (!isLost) {
      check(left.live_bytes == 0, "%s: %llu device bytes are left", name.c_str(),
            static_cast<unsigned long long>(left.live_bytes));
      check(left.host_bytes == 0 && left.streams == 0 && left.events == 0,
            "%s: staging, streams or events are left", name.c_str());
      check(objects == 0, "%s: %lld objects of TensorRT are left", name.c_str(),
            static_cast<long long>(objects));
    }
    check(host.used == 0, "%s: %llu bytes of the budget are left", name.c_str(),
          static_cast<unsigned long long>(host.used));
    check(left.misuse == 0 && trtLeft.misuse == 0, "%s: rules were broken", name.c_str());
  }
  void run(const std::string& name, const std::function<void(Host&)>& body) {
    run(name, cuda(), trt(), Host(), body);
  }

  lc_fake_cuda_options cuda() const {
    lc_fake_cuda_options options{};
    bench_.doubles.cudaDefaults(&options);
    options.devices = kDevices;
    options.copy_us = 20;
    return options;
  }
  static lc_fake_trt_options trt() {
    lc_fake_trt_options options{};
    options.run_us = 50;
    options.pixel_bytes = 16;
    return options;
  }

  int count() const { return count_; }

 private:
  Bench& bench_;
  int count_ = 0;
};

inline void expectCode(const char* what, lc_code code, lc_code expected) {
  check(code == expected, "%s: code %d instead of %d", what, code, expected);
}

void builds(Scenarios& scenarios, Bench& bench);
void runs(Scenarios& scenarios, Bench& bench);
void wrongUses(Scenarios& scenarios, Bench& bench);
void memoryFaults(Scenarios& scenarios, Bench& bench);
void failingCalls(Scenarios& scenarios, Bench& bench);
void twoDevices(Scenarios& scenarios, Bench& bench);
void lostDevices(Scenarios& scenarios, Bench& bench);

}  // namespace lc::test
