#include "scenarios/scenarios.h"

namespace lc::test {

void builds(Scenarios& scenarios, Bench& bench) {
  scenarios.run("build", [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("build", built.code, LC_OK);
    check(!built.plan.empty() && !built.timings.empty(), "a build gives a plan and timings");
  });
  scenarios.run("what a build asks for", [&](Host&) {
    BuildRequest request;
    request.height = request.width = -1;
    request.optimum = {2, 128, 64};
    request.maximum = {4, 256, 256};
    request.level = 5;
    expectCode("build", bench.build(request).code, LC_OK);
    const lc_fake_trt_build asked = bench.lastBuild();
    check(asked.allows_tf32 == 0 && asked.optimization_level == 5, "precision and level are those asked for");
    check(asked.strongly_typed == 1 && asked.resizes_activations == 1 && asked.aux_streams == 0,
          "types come from the graph, activations follow the shape, and no stream is made");
    check(asked.has_profile_stream == 1, "tactics are timed on a stream of ours");
    check(asked.tactic_memory == request.memoryLimit &&
              asked.workspace == request.memoryLimit - kWeightBytes - kBiasBytes,
          "tactics may take %llu, a layer %llu bytes", static_cast<unsigned long long>(asked.tactic_memory),
          static_cast<unsigned long long>(asked.workspace));
    check(asked.optimum[0] == 2 && asked.optimum[1] == 128 && asked.optimum[2] == 64, "the optimum");
    check(asked.weight_bytes == kWeightBytes + kBiasBytes, "all tensors are handed over");
    request.allowTf32 = 1;
    bench.build(request);
    check(bench.lastBuild().allows_tf32 == 1, "TF32 where it is allowed");
  });
  scenarios.run("build with known timings", [&](Host&) {
    BuildRequest request;
    request.timings = bench.build({}).timings;
    check(bench.lastBuild().tactics_timed > 0, "the first build times its tactics");
    expectCode("known timings", bench.build(request).code, LC_OK);
    check(bench.lastBuild().tactics_timed == 0, "the second need not");
  });
  // no cache at all, and one of another device
  for (const char* foreign : {"no timings", "FAKETIMINGSof another device"}) {
    scenarios.run("build with foreign timings", [&](Host&) {
      BuildRequest request;
      request.timings = foreign;
      const BuildResult built = bench.build(request);
      expectCode("foreign timings", built.code, LC_OK);
      request.timings = built.timings;
      bench.build(request);
      check(bench.lastBuild().tactics_timed == 0, "what was learned instead is of use");
    });
  }
  scenarios.run("weights that the graph does not name", [&](Host&) {
    BuildRequest request;
    request.weightName = "decoder.conv_in.weight";
    const BuildResult built = bench.build(request);
    expectCode("unknown weights", built.code, LC_BUILD_FAILED);
    check(built.message.find("does not name") != std::string::npos, "it says why: %s", built.message.c_str());
  });
  for (int step = 1; step <= 6; ++step) {
    scenarios.run("cancel", [&](Host&) {
      BuildRequest request;
      request.cancelAfter = step;
      expectCode("cancel", bench.build(request).code, LC_CANCELLED);
    });
  }
  lc_fake_trt_options failing = Scenarios::trt();
  failing.build_fails = 1;
  scenarios.run("failed build", scenarios.cuda(), failing, Host(), [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("failed build", built.code, LC_BUILD_FAILED);
    check(built.message.find("no implementation was found") != std::string::npos, "it says why: %s",
          built.message.c_str());
  });
  failing = Scenarios::trt();
  failing.parser_fails = 1;
  scenarios.run("refused graph", scenarios.cuda(), failing, Host(), [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("refused graph", built.code, LC_BUILD_FAILED);
    check(built.message.find("an operator that is not there") != std::string::npos, "it says why: %s",
          built.message.c_str());
  });
  scenarios.run("build without memory", [&](Host&) {
    BuildRequest request;
    request.memoryLimit = 512;
    expectCode("no memory", bench.build(request).code, LC_OUT_OF_MEMORY);
  });
}

}  // namespace lc::test
