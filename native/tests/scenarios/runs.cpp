
#include "scenarios/job.h"
#include "scenarios/scenarios.h"

namespace lc::test {

void runs(Scenarios& scenarios, Bench& bench) {
  scenarios.run("encode", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({1, 64, 64}, 1);
    job.encode({4, 64, 64}, 5);
    job.encode({2, 64, 64}, 3);
    expectCode("encode", job.code(), LC_OK);
  });
  scenarios.run("encode any size", [&](Host& host) {
    BuildRequest request;
    request.height = request.width = -1;
    request.minimum = {1, 64, 64};
    request.optimum = request.maximum = {4, 256, 256};
    Job job(bench, host);
    job.open(bench.build(request).plan);
    job.encode({1, 64, 256}, 2);
    job.encode({3, 256, 64}, 3);
    expectCode("any size", job.code(), LC_OK);
  });
  scenarios.run("exact memory", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    lc_run_memory one{};
    lc_run_memory four{};
    job.memory({1, 64, 64}, one);
    job.memory({4, 64, 64}, four);
    // what the fake needs: 16 bytes for each pixel
    check(one.activation_bytes == 16 * 64 * 64 && four.activation_bytes == 4 * one.activation_bytes,
          "activations follow the shape");
    check(one.input_bytes == 3 * 64 * 64 && one.output_bytes == 4 * 8 * 8 * 8,
          "input and output of one image");
  });
  scenarios.run("bytes of the weights", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    const lc_engine_info info = job.info();
    check(info.weight_bytes == kWeightBytes + kBiasBytes && host.used == info.weight_bytes,
          "an open engine holds its weights");
    check(info.minimum.count == 1 && info.maximum.count == 4 && info.maximum.height == 64, "and a range");
  });
  scenarios.run("two engines on one device", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({4, 64, 64}, 3);
    job.closeEngine();
    BuildRequest request;
    request.height = 128;
    request.minimum.height = request.optimum.height = request.maximum.height = 128;
    job.openEngine(bench.build(request).plan);
    job.encode({4, 128, 64}, 3);
    expectCode("second engine", job.code(), LC_OK);
  });
  scenarios.run("another shape while a run is on the device", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.submitAlone({4, 64, 64});
    lc_run_memory memory{};
    job.memory({1, 64, 64}, memory);
    job.finishAlone({4, 64, 64});
    expectCode("another shape", job.code(), LC_OK);
  });
  scenarios.run("closed with runs in flight", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.submitAlone({4, 64, 64});
    expectCode("submit", job.code(), LC_OK);
  });
  scenarios.run("trim and again", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 2);
    job.freeMemory();
    job.encode({2, 64, 64}, 2);
    expectCode("again", job.code(), LC_OK);
  });
  lc_fake_cuda_options pageable = scenarios.cuda();
  pageable.fail_host_alloc = 1;
  scenarios.run("no page-locked memory", pageable, Scenarios::trt(), Host(), [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 3);
    expectCode("pageable", job.code(), LC_OK);
  });
  lc_fake_trt_options failing = Scenarios::trt();
  failing.enqueue_fails_at = 2;
  scenarios.run("a run that fails", scenarios.cuda(), failing, Host(), [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 3);
    expectCode("failing run", job.code(), LC_INTERNAL);
    job.forget();
    job.encode({2, 64, 64}, 3);
    expectCode("after it", job.code(), LC_OK);
  });
}

}  // namespace lc::test
