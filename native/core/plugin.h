// Back-ends in shared libraries of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/lc_backend.h"

namespace lc::core {

// A loaded plug-in. It is never unloaded: threads of the libraries below may outlive every caller.
class Plugin {
 public:
  // Loads it once for each path. Any thread. Throws Error (kPluginUnusable, with the path).
  static const Plugin& load(const std::string& path);

  Plugin(std::string path, const lc_backend& backend) : path_(std::move(path)), backend_(backend) {}
  const std::string& path() const { return path_; }
  const lc_backend& backend() const { return backend_; }

 private:
  std::string path_;
  const lc_backend& backend_;
};

struct MemoryInfo {
  std::uint64_t freeBytes;
  std::uint64_t totalBytes;
};

// A plug-in with the libraries that it needs. All functions from any thread.
class Context {
 public:
  // `folders` are looked through before the loader's own search path; `settings` are lc_options' (empty:
  // none). One that is open already with the same three is shared. Throws Error: kPluginUnusable, LC_INVALID
  // (settings), LC_CUDA_MISSING, LC_CUDA_DRIVER, LC_NO_DEVICE, LC_LIBRARY_MISSING, LC_LIBRARY_TOO_OLD,
  // LC_LIBRARY_MAJOR.
  static std::shared_ptr<Context> open(const std::string& pluginPath, const std::vector<std::string>& folders,
                                       const std::string& settings = {});

  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Plugin& plugin() const { return plugin_; }
  const lc_backend& backend() const { return plugin_.backend(); }
  lc_context* get() const { return context_; }
  // "TensorRT 10.14.1, CUDA runtime 13.0"
  std::string runtime() const;
  // What DeviceWorker::loadNetwork computes in here, the fastest first; none: plans only.
  std::vector<lc_precision> precisions() const;
  // Of the whole device. Throws Error.
  MemoryInfo memoryInfo(std::uint32_t device) const;

 private:
  Context(const Plugin& plugin, const std::vector<std::string>& folders, const std::string& settings);

  const Plugin& plugin_;
  lc_context* context_ = nullptr;
};

}  // namespace lc::core
