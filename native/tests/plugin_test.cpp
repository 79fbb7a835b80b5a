// Plug-ins, contexts, mapped files and the engine builder.
#include "core/plugin.h"

#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/engine_builder.h"
#include "core/error.h"
#include "core/mapped_file.h"
#include "toy.h"

namespace {

using lc::core::Context;
using lc::core::Error;
using lc::core::MappedFile;
using lc::test::check;
using lc::test::TemporaryFile;

template <typename Action>
Error errorOf(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return {LC_OK, ""};
}

void refusesWhatIsNoPlugin() {
  const Error missing = errorOf([] { Context::open("/nowhere/backend.so", {}); });
  check(missing.code() == lc::core::kPluginUnusable && missing.path() == "/nowhere/backend.so",
        "a missing library is reported with its path");
  const Error other = errorOf([] { Context::open("libdl.so.2", {}); });
  check(std::strstr(other.what(), LC_BACKEND_SYMBOL) != nullptr, "a library without the symbol: %s",
        other.what());
  const Error version = errorOf([] { Context::open(LC_WRONG_VERSION_PLUGIN, {}); });
  check(version.code() == lc::core::kPluginUnusable &&
            std::strstr(version.what(), "interface version 4, not 3") != nullptr,
        "another interface version: %s", version.what());
}

void sharesContexts() {
  const auto first = Context::open(LC_TOY_PLUGIN, {"/a"});
  check(first == Context::open(LC_TOY_PLUGIN, {"/a"}), "the same plug-in and folders share a context");
  check(first != Context::open(LC_TOY_PLUGIN, {"/b"}), "other folders do not");
  check(first != Context::open(LC_TOY_PLUGIN, {"/a"}, "key=value"), "nor do other settings");
  check(&first->plugin() == &Context::open(LC_TOY_PLUGIN, {"/b"})->plugin(), "a plug-in is loaded once");
  check(first->runtime() == "Toy 1.0", "its runtime");
  lc::test::toyOptions("capacity=5000,device_free=300");
  check(first->memoryInfo(0).freeBytes == 300 && first->memoryInfo(0).totalBytes == 5000,
        "memory of a device");
  check(errorOf([&] { first->memoryInfo(7); }).code() == LC_NO_DEVICE, "no such device");
}

void namesPrecisions() {
  const auto plansOnly = Context::open(LC_TOY_PLANS_ONLY_PLUGIN, {});
  check(plansOnly->precisions().empty(), "a plug-in without the function has none");
  lc::test::toyOptions("");
  check(lc::test::toyContext()->precisions() == std::vector<lc_precision>{LC_FP32}, "the toy has one");
  lc::test::toyOptions("no_networks=1");
  check(lc::test::toyContext()->precisions().empty(), "or none");
}

void mapsPartsOfFiles() {
  std::string content(10'000, 'a');
  content[5000] = 'b';
  content[9999] = 'c';
  const TemporaryFile file(content);
  const MappedFile part(file.path(), 5000, 5000);
  check(part.bytes().size() == 5000 && part.bytes()[0] == std::byte{'b'} &&
            part.bytes()[4999] == std::byte{'c'},
        "a part that starts inside a page");
  check(MappedFile(file.path(), 10'000, 0).bytes().empty(), "an empty part at the end");
  const Error past = errorOf([&] { MappedFile(file.path(), 5000, 5001); });
  check(past.code() == lc::core::kFileUnreadable && past.path() == file.path(), "one byte past the end");
  check(errorOf([&] { MappedFile(file.path(), UINT64_MAX, 2); }).code() == lc::core::kFileUnreadable,
        "an offset that wraps around");
  check(errorOf([&] { MappedFile("/", 0, 1); }).code() == lc::core::kFileUnreadable, "a folder");
  const Error missing = errorOf([&] { MappedFile("/nowhere/plan", 0, 1); });
  check(missing.operation() == "open" && missing.path() == "/nowhere/plan", "a missing file");
}

lc::core::BuildRequest buildRequest(const TemporaryFile& weights) {
  return {lc::test::toyContext(),
          0,
          {},
          {{"w", weights.path(), 3, 4}},
          {1, 64, 64},
          {4, 64, 64},
          {6, 64, 64},
          false,
          3,
          1 << 20,
          {}};
}

void buildsEngines() {
  lc::test::toyOptions("build_steps=3");
  const TemporaryFile weights("0123456789");
  std::string seen;
  const auto note = [&](const char* phase, std::int32_t step, std::int32_t steps) {
    seen += std::string(phase) + std::to_string(step) + "/" + std::to_string(steps) + " ";
    return true;
  };
  const lc::core::BuiltEngine built = lc::core::buildEngine(buildRequest(weights), note, {});
  check(seen == "Toying1/3 Toying2/3 Toying3/3 ", "progress: %s", seen.c_str());
  check(std::string(built.plan.begin(), built.plan.end()) ==
            "toy maxcount=6 minheight=64 maxheight=64 minwidth=64 maxwidth=64 weights=4",
        "the plan has the shapes, and the bytes of the mapped weights");
  check(built.timingCache && built.timingCache->size() == std::strlen("toy timings"), "the timing cache");
}

void reportsFailedBuilds() {
  lc::test::toyOptions("");
  const TemporaryFile weights("0123456789");
  const auto request = buildRequest(weights);
  const auto go = [](const char*, std::int32_t, std::int32_t) { return true; };
  check(errorOf([&] { lc::core::buildEngine(request, [](auto...) { return false; }, {}); }).code() ==
            LC_CANCELLED,
        "progress stops a build");
  try {
    lc::core::buildEngine(request, [](auto...) -> bool { throw std::domain_error("mine"); }, {});
    check(false, "an exception of progress is lost");
  } catch (const std::domain_error&) {
    check(true, "an exception of progress arrives");
  }
  lc::test::toyOptions("fail_build=13");
  std::string logged;
  const Error failed =
      errorOf([&] { lc::core::buildEngine(request, go, [&](int, const char* text) { logged = text; }); });
  check(failed.code() == LC_BUILD_FAILED && failed.operation() == "toyBuild", "a refused network");
  check(logged == "the toy refuses the network", "messages of the back-end are handed on");
  auto missing = request;
  missing.tensors[0].path = "/nowhere/weights";
  check(errorOf([&] { lc::core::buildEngine(missing, go, {}); }).path() == "/nowhere/weights",
        "missing weights");
}

}  // namespace

int main() {
  refusesWhatIsNoPlugin();
  sharesContexts();
  namesPrecisions();
  mapsPartsOfFiles();
  buildsEngines();
  reportsFailedBuilds();
  return lc::test::report();
}
