// What a TensorRT plug-in says about the libraries that it finds.
// Usage: plugin_load_test PLUGIN MAJOR STAND_INS
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/lc_backend.h"

using lc::test::check;

namespace {

const lc_backend* backend = nullptr;

struct Opened {
  lc_code code;
  lc_error error;
  lc_context* context;
};

Opened open(const std::vector<std::string>& folders) {
  std::vector<const char*> names;
  for (const std::string& folder : folders) names.push_back(folder.c_str());
  const lc_options options{sizeof options, names.data(), static_cast<std::uint32_t>(names.size()), nullptr};
  Opened opened{};
  opened.error.size = sizeof opened.error;
  opened.code = backend->context_open(&options, &opened.context, &opened.error);
  return opened;
}

void expectError(const std::vector<std::string>& folders, lc_code code,
                 const std::vector<std::string>& texts) {
  const Opened opened = open(folders);
  const char* message = opened.error.message;
  check(opened.code == code, "code %d, not %d: %s", opened.code, code, message);
  check(opened.context == nullptr, "a context in spite of '%s'", message);
  check(opened.error.operation[0] != '\0', "no operation with '%s'", message);
  for (const std::string& text : texts) {
    check(std::strstr(message, text.c_str()) != nullptr, "'%s' lacks '%s'", message, text.c_str());
  }
}

void testTable(const std::string& major) {
  check(backend->size == sizeof(lc_backend), "size %u", backend->size);
  check(backend->interface_version == LC_INTERFACE_VERSION, "version %u", backend->interface_version);
  check(backend->name == "tensorrt" + major, "name '%s'", backend->name);
}

}  // namespace

int main(int, char** arguments) {
  void* plugin = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    check(false, "%s", ::dlerror());
    return lc::test::report();
  }
  backend = reinterpret_cast<lc_backend_table_function>(::dlsym(plugin, LC_BACKEND_SYMBOL))();
  const std::string major = arguments[2];
  const std::string library = "libnvinfer.so." + major;
  const std::string other = major == "10" ? "11" : "10";
  const std::string standIns = arguments[3];
  const std::string cases = standIns + "/trt" + major + "_";
  testTable(major);

  if (::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr) {
    std::printf("skipped: what is said without TensorRT, as the loader has %s\n", library.c_str());
  } else {
    expectError({}, LC_LIBRARY_MISSING, {"TensorRT " + major + " was not found", library});
    expectError({cases + "damaged"}, LC_LIBRARY_MISSING, {cases + "damaged/" + library});
    expectError({cases + "no_parser"}, LC_LIBRARY_MISSING, {"ONNX parser", "libnvonnxparser.so." + major});
    expectError({cases + "other_major"}, LC_LIBRARY_MAJOR,
                {cases + "other_major/libnvinfer.so." + other, "a newer " + major + ".x is needed"});
    if (::access((cases + "too_old").c_str(), F_OK) == 0) {
      expectError({cases + "too_old"}, LC_LIBRARY_TOO_OLD,
                  {cases + "too_old/" + library, "TensorRT " + major + ".0.0", "is needed"});
    } else {
      std::printf("skipped: too old, as nothing is older than the headers\n");
    }
    expectError({cases + "version_8"}, LC_LIBRARY_TOO_OLD, {"TensorRT 8.6.1", "is needed"});
    expectError({cases + "wrong_major"}, LC_LIBRARY_MAJOR, {"TensorRT " + other + ".99.0", "is needed"});
    // The first thing that is wrong, whatever comes after it.
    expectError({cases + "version_8", cases + "wrong_major"}, LC_LIBRARY_TOO_OLD, {"version_8"});
    expectError({cases + "damaged", cases + "wrong_major"}, LC_LIBRARY_MAJOR, {"wrong_major"});
  }

  expectError({cases + "good", standIns + "/cuda_driver_too_old"}, LC_CUDA_DRIVER, {"serves CUDA 12.4"});
  expectError({cases + "good", standIns + "/cuda_no_device"}, LC_NO_DEVICE, {"cudaGetDeviceCount"});

  const Opened opened =
      open({"/nowhere", cases + "version_8", cases + "good", standIns + "/cuda_13_too_new"});
  check(opened.code == LC_OK, "%s", opened.error.message);
  if (opened.code != LC_OK) return lc::test::report();
  const std::string runtime = backend->context_runtime(opened.context);
  check(runtime == "TensorRT " + major + ".99.1, CUDA runtime 12.4", "'%s'", runtime.c_str());
  backend->context_close(opened.context);
  return lc::test::report();
}
