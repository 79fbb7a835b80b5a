#include <cstring>

#include "scenarios/job.h"
#include "scenarios/scenarios.h"

namespace lc::test {

void wrongUses(Scenarios& scenarios, Bench& bench) {
  for (const lc_shape wrong : {lc_shape{5, 64, 64}, lc_shape{1, 64, 72}, lc_shape{1, 56, 64}}) {
    scenarios.run("wrong shape", [&](Host& host) {
      Job job(bench, host);
      job.open(bench.build({}).plan);
      lc_run_memory memory{};
      job.memory(wrong, memory);
      expectCode("wrong shape", job.code(), LC_SHAPE);
      job.forget();
      job.encode({1, 64, 64}, 2);
      expectCode("after a wrong shape", job.code(), LC_OK);
    });
  }
  for (const char* plan : {"", "no plan"}) {
    scenarios.run("damaged plan", [&](Host& host) {
      Job job(bench, host);
      job.open(plan);
      expectCode("damaged plan", job.code(), LC_ENGINE_INVALID);
    });
  }
  scenarios.run("a plan with a wrong byte", [&](Host& host) {
    std::string plan = bench.build({}).plan;
    plan.back() = static_cast<char>(plan.back() ^ 1);
    Job job(bench, host);
    job.open(plan);
    expectCode("wrong byte", job.code(), LC_ENGINE_INVALID);
    check(std::strstr(job.error().message, "the plan is damaged") != nullptr, "it says why: %s",
          job.error().message);
  });
  scenarios.run("a plan of another version", [&](Host& host) {
    lc_fake_trt_options other = Scenarios::trt();
    other.version = 1;
    bench.doubles.trtReset(&other);
    const std::string plan = bench.build({}).plan;
    other.version = 0;
    bench.doubles.trtReset(&other);
    Job job(bench, host);
    job.open(plan);
    expectCode("another version", job.code(), LC_ENGINE_INVALID);
  });
  scenarios.run("too small a block of activations", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.shrinkActivations(512);
    job.submitAlone({4, 64, 64});
    expectCode("small block", job.code(), LC_INVALID);
  });
  scenarios.run("a slot that is in flight", [&](Host& host) {
    constexpr lc_shape shape{4, 64, 64};
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.submitAlone(shape);
    job.submitSlotInFlight(shape);
    expectCode("slot in flight", job.code(), LC_INVALID);
    job.forget();
    job.finishAlone(shape);
    expectCode("its run", job.code(), LC_OK);
    job.finishAlone(shape);
    expectCode("a slot that is not in flight", job.code(), LC_INVALID);
  });
}

}  // namespace lc::test
