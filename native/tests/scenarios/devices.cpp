#include <thread>

#include "scenarios/job.h"
#include "scenarios/scenarios.h"

namespace lc::test {

void twoDevices(Scenarios& scenarios, Bench& bench) {
  scenarios.run("two devices at once", [&](Host&) {
    const std::string plan = bench.build({}).plan;
    Host hosts[2];
    const auto work = [&](std::uint32_t number) {
      Job job(bench, hosts[number], number);
      if (job.open(plan)) job.encode({4, 64, 64}, 6);
      expectCode("one of two devices", job.code(), LC_OK);
      check(bench.doubles.cudaDeviceBytes(static_cast<std::int32_t>(number)) == hosts[number].used,
            "device %u holds what its host has granted", number);
    };
    std::thread second([&] { work(1); });
    work(0);
    second.join();
    check(hosts[0].used == 0 && hosts[1].used == 0, "both budgets are free again");
  });
  scenarios.run("a device that is not there", [&](Host& host) {
    Job job(bench, host, kDevices);
    job.open("");
    expectCode("no third device", job.code(), LC_NO_DEVICE);
  });
}

void lostDevices(Scenarios& scenarios, Bench& bench) {
  std::string plan;
  scenarios.run("a plan", [&](Host&) { plan = bench.build({}).plan; });
  const auto build = [&](Host&) { return bench.build({}).code; };
  const auto encode = [&](Host& host) {
    Job job(bench, host);
    if (job.open(plan)) job.encode({4, 64, 64}, 3);
    return job.code();
  };
  // False: the loss was still to come.
  const auto lose = [&](const std::string& name, const lc_fake_cuda_options& cuda,
                        const std::function<lc_code(Host&)>& work) {
    bool isLost = false;
    scenarios.run(name, cuda, Scenarios::trt(), Host(), [&](Host& host) {
      const lc_code code = work(host);
      isLost = bench.isLost(cuda);
      // closing may be what loses it: then everything had been answered
      check(code == LC_DEVICE_LOST || code == LC_OK, "%s: code %d", name.c_str(), code);
    });
    return isLost;
  };
  lc_fake_cuda_options cuda = scenarios.cuda();
  do {
    ++cuda.lose_at;
  } while (lose("build, lost at call " + std::to_string(cuda.lose_at), cuda, build));
  cuda.lose_at = 0;
  do {
    ++cuda.lose_at;
  } while (lose("encode, lost at call " + std::to_string(cuda.lose_at), cuda, encode));
  cuda.lose_at = 0;
  do {
    ++cuda.lose_at_launch;
  } while (lose("lost in run " + std::to_string(cuda.lose_at_launch), cuda, encode));
}

}  // namespace lc::test
