#include "scenarios/job.h"
#include "scenarios/scenarios.h"

namespace lc::test {

// Each call in turn answers an error that says nothing about the device.
void failingCalls(Scenarios& scenarios, Bench& bench) {
  std::string plan;
  scenarios.run("a plan", [&](Host&) { plan = bench.build({}).plan; });
  const auto sweep = [&](const char* what, const std::function<void(Host&)>& body) {
    for (int k = 1;; ++k) {
      bool isReached = false;
      scenarios.run(std::string(what) + ", call " + std::to_string(k), [&](Host& host) {
        bench.doubles.cudaFailIn(k);
        body(host);
        isReached = bench.doubles.cudaFailIn(0) == 0;
      });
      if (!isReached) break;
    }
  };
  sweep("failing build", [&](Host&) {
    const lc_code code = bench.build({}).code;
    check(code == LC_OK || code == LC_INTERNAL || code == LC_BUILD_FAILED, "failing build: code %d", code);
  });
  sweep("failing encode", [&](Host& host) {
    Job job(bench, host);
    if (job.open(plan)) job.encode({4, 64, 64}, 3);
    // staging that is not page-locked will do
    check(job.code() == LC_OK || job.code() == LC_INTERNAL || job.code() == LC_ENGINE_INVALID,
          "failing encode: code %d", job.code());
  });
  for (int k = 1;; ++k) {
    bool isReached = false;
    scenarios.run("failing submit, call " + std::to_string(k), [&](Host& host) {
      constexpr lc_shape shape{4, 64, 64};
      Job job(bench, host);
      job.open(plan);
      job.encode(shape, 1);
      lc_run_memory need{};
      job.memory(shape, need);
      bench.doubles.cudaFailIn(k);
      const bool isSubmitted = job.submitAgain(shape, need);
      lc_fake_cuda_state state{};
      bench.doubles.cudaQuery(&state);
      isReached = bench.doubles.cudaFailIn(0) == 0;
      if (isSubmitted) {
        job.finishAlone(shape);
        return;
      }
      check(state.pending == 0, "failing submit: the slot's memory is still in use");
      job.forget();
      job.encode(shape, 3);
      expectCode("after a failed submit", job.code(), LC_OK);
    });
    if (!isReached) break;
  }
}

}  // namespace lc::test
