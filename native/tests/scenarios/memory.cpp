#include "scenarios/job.h"
#include "scenarios/scenarios.h"

namespace lc::test {

void memoryFaults(Scenarios& scenarios, Bench& bench) {
  Host small;
  small.limit = 1024;
  scenarios.run("no budget for the weights", scenarios.cuda(), Scenarios::trt(), small, [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    expectCode("weights", job.code(), LC_OUT_OF_MEMORY);
    check(job.error().bytes_asked == kWeightBytes + kBiasBytes && job.error().bytes_free == 1024,
          "asked %llu, free %llu", static_cast<unsigned long long>(job.error().bytes_asked),
          static_cast<unsigned long long>(job.error().bytes_free));
  });
  // The budget would grant it; where the driver would spill to host memory, only we can refuse.
  lc_fake_cuda_options full = scenarios.cuda();
  full.capacity = 2 * kMebibyte;
  full.spills = 1;
  scenarios.run("a device that has less than the budget", full, Scenarios::trt(), Host(), [&](Host& host) {
    BuildRequest request;
    request.height = request.width = 1024;
    request.minimum = {1, 1024, 1024};
    request.optimum = request.maximum = {1, 1024, 1024};
    Job job(bench, host);
    job.open(bench.build(request).plan);
    job.encode({1, 1024, 1024}, 1);
    expectCode("full device", job.code(), LC_OUT_OF_MEMORY);
    check(job.error().bytes_asked > job.error().bytes_free, "more was asked than is free");
    job.forget();
    job.freeMemory();
    job.openAndEncode(bench.build({}).plan, {4, 64, 64}, 2);
    expectCode("a smaller run afterwards", job.code(), LC_OK);
  });

  const auto whole = [&](Host& host) {
    const BuildResult built = bench.build({});
    if (built.code != LC_OK) return built.code;
    Job job(bench, host);
    if (job.open(built.plan)) job.encode({4, 64, 64}, 3);
    return job.code();
  };
  for (int k = 1;; ++k) {
    lc_fake_cuda_options cuda = scenarios.cuda();
    cuda.fail_malloc_at = k;
    bool reached = false;
    scenarios.run("allocation " + std::to_string(k), cuda, Scenarios::trt(), Host(), [&](Host& host) {
      const lc_code code = whole(host);
      lc_fake_cuda_state state{};
      bench.doubles.cudaQuery(&state);
      reached = state.mallocs >= k;
      // a builder goes on with another tactic
      check(code == LC_OUT_OF_MEMORY || code == LC_OK, "allocation %d: code %d", k, code);
      if (reached) expectCode("the same afterwards", whole(host), LC_OK);
    });
    if (!reached) break;
  }
  for (int k = 1;; ++k) {
    Host host;
    host.refuseAt = k;
    bool reached = false;
    scenarios.run("request " + std::to_string(k), scenarios.cuda(), Scenarios::trt(), host,
                  [&](Host& refusing) {
                    const lc_code code = whole(refusing);
                    reached = refusing.requests >= k;
                    expectCode("a refused request", code, reached ? LC_OUT_OF_MEMORY : LC_OK);
                    if (reached) expectCode("the same afterwards", whole(refusing), LC_OK);
                  });
    if (!reached) break;
  }
}

}  // namespace lc::test
