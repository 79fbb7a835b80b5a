#include "core/plugin.h"

#include <dlfcn.h>

#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "core/error.h"

namespace lc::core {

namespace {

[[noreturn]] void unusable(const std::string& path, const std::string& reason) {
  throw Error(kPluginUnusable, path + ": " + reason).withPath(path);
}

const lc_backend& loadTable(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    unusable(path, reason == nullptr ? "does not load" : reason);
  }
  const auto table = reinterpret_cast<lc_backend_table_function>(::dlsym(library, LC_BACKEND_SYMBOL));
  if (table == nullptr) unusable(path, "has no " LC_BACKEND_SYMBOL ", so it is no plug-in");
  const lc_backend* backend = table();
  if (backend == nullptr) unusable(path, "has no table of functions");
  if (backend->interface_version != LC_INTERFACE_VERSION) {
    unusable(path, "has interface version " + std::to_string(backend->interface_version) + ", not " +
                       std::to_string(LC_INTERFACE_VERSION));
  }
  if (backend->size < sizeof(lc_backend)) {
    unusable(path, "has a table of " + std::to_string(backend->size) + " bytes, not " +
                       std::to_string(sizeof(lc_backend)));
  }
  return *backend;
}

// Both are never destroyed: contexts may be in use while the process ends.
template <typename Key, typename Value>
struct Registry {
  std::mutex mutex;
  std::map<Key, Value> entries;
};

}  // namespace

const Plugin& Plugin::load(const std::string& path) {
  static auto& registry = *new Registry<std::string, Plugin>;
  const std::lock_guard lock(registry.mutex);
  const auto found = registry.entries.find(path);
  if (found != registry.entries.end()) return found->second;
  return registry.entries.try_emplace(path, path, loadTable(path)).first->second;
}

std::shared_ptr<Context> Context::open(const std::string& pluginPath, const std::vector<std::string>& folders,
                                       const std::string& settings) {
  using Key = std::tuple<std::string, std::vector<std::string>, std::string>;
  static auto& registry = *new Registry<Key, std::weak_ptr<Context>>;
  const Plugin& plugin = Plugin::load(pluginPath);
  const std::lock_guard lock(registry.mutex);
  std::weak_ptr<Context>& entry = registry.entries[Key(pluginPath, folders, settings)];
  if (std::shared_ptr<Context> context = entry.lock()) return context;
  std::shared_ptr<Context> context(new Context(plugin, folders, settings));
  entry = context;
  return context;
}

Context::Context(const Plugin& plugin, const std::vector<std::string>& folders, const std::string& settings)
    : plugin_(plugin) {
  std::vector<const char*> names;
  names.reserve(folders.size());
  for (const std::string& folder : folders) names.push_back(folder.c_str());
  const lc_options options{sizeof options, names.data(), static_cast<std::uint32_t>(names.size()),
                           settings.empty() ? nullptr : settings.c_str()};
  lc_error error = emptyError();
  try {
    check(backend().context_open(&options, &context_, &error), error);
  } catch (Error& failure) {
    failure.withBackend(backend().name);
    throw;
  }
}

Context::~Context() {
  backend().context_close(context_);
}

std::string Context::runtime() const {
  return backend().context_runtime(context_);
}

std::vector<lc_precision> Context::precisions() const {
  if (backend().context_precisions == nullptr) return {};
  const lc_precision* first = nullptr;
  const std::uint32_t count = backend().context_precisions(context_, &first);
  return {first, first + count};
}

MemoryInfo Context::memoryInfo(std::uint32_t device) const {
  MemoryInfo info{};
  lc_error error = emptyError();
  check(backend().memory_info(context_, device, &info.freeBytes, &info.totalBytes, &error), error);
  return info;
}

}  // namespace lc::core
