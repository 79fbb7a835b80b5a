#include "nvml/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <memory>
#include <mutex>

namespace lc::nvml {
namespace {

constexpr const char* kName = "libnvidia-ml.so.1";
// Where WSL has it, and the container toolkit on hosts whose loader does not look there.
constexpr const char* kDriverFolders[] = {"/usr/lib/wsl/lib", "/usr/local/nvidia/lib64"};

template <typename Function>
bool resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

// The name of the first required function that is missing, or nullptr.
const char* resolveAll(void* library, Functions& functions) {
#define LC_NVML_RESOLVE(name, parameters) \
  if (!resolve(library, #name, functions.name)) return #name;
  LC_NVML_REQUIRED(LC_NVML_RESOLVE)
#undef LC_NVML_RESOLVE
#define LC_NVML_RESOLVE(name, parameters) resolve(library, #name, functions.name);
  LC_NVML_OPTIONAL(LC_NVML_RESOLVE)
#undef LC_NVML_RESOLVE
  resolve(library, "nvmlErrorString", functions.nvmlErrorString);
  return nullptr;
}

std::vector<std::string> candidatesOf(const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  const auto add = [&paths](const std::string& folder) {
    std::string path = std::string(folder).append("/").append(kName);
    if (::access(path.c_str(), F_OK) == 0) paths.push_back(std::move(path));
  };
  for (const std::string& folder : folders) add(folder);
  paths.emplace_back(kName);
  for (const char* folder : kDriverFolders) add(folder);
  return paths;
}

std::string pathOf(const Functions& functions, const std::string& candidate) {
  Dl_info info{};
  const bool known = ::dladdr(reinterpret_cast<const void*>(functions.nvmlInit_v2), &info) != 0;
  return known && info.dli_fname != nullptr ? info.dli_fname : candidate;
}

}  // namespace

void Library::check(int code, const char* operation) const {
  if (code == kSuccess) return;
  const char* text = functions_.nvmlErrorString != nullptr ? functions_.nvmlErrorString(code) : nullptr;
  throw Error(operation, std::string(operation) + ": " + (text != nullptr ? text : "failed") + " (" +
                             std::to_string(code) + ")");
}

// Opens and starts one candidate; false and a reason when that is no usable library.
bool Library::open(const std::string& candidate, std::string& reason) {
  void* library = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* text = ::dlerror();
    reason = text != nullptr ? text : candidate + ": does not load";
    return false;
  }
  if (const char* missing = resolveAll(library, functions_)) {
    reason = candidate + ": has no " + missing;
    return false;
  }
  try {
    check(functions_.nvmlInit_v2(), "nvmlInit_v2");
  } catch (const Error& error) {
    reason = candidate + ": " + error.what();
    return false;
  }
  path_ = pathOf(functions_, candidate);
  return true;
}

const Library& Library::load(const std::vector<std::string>& folders) {
  static std::mutex mutex;
  static const Library* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return *loaded;

  std::string reasons;
  for (const std::string& candidate : candidatesOf(folders)) {
    auto library = std::make_unique<Library>();
    std::string reason;
    if (library->open(candidate, reason)) return *(loaded = library.release());
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  throw Error("dlopen", "NVIDIA's management library cannot be used: " + reasons);
}

}  // namespace lc::nvml
