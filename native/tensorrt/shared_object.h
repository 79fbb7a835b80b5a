// A shared library.
#pragma once

#include <dlfcn.h>

#include <string>
#include <utility>

#include "tensorrt/failure.h"

namespace lc::trt {

// Closes it unless it is kept.
class SharedObject {
 public:
  // A name without a folder is left to the loader. Throws LC_LIBRARY_MISSING with the loader's reason.
  explicit SharedObject(const std::string& candidate)
      : handle_(::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL)), path_(candidate) {
    if (handle_ != nullptr) return;
    const char* reason = ::dlerror();
    throw Failure(LC_LIBRARY_MISSING, "dlopen", reason != nullptr ? reason : candidate + ": does not load");
  }
  ~SharedObject() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  // nullptr when the library has no such function.
  template <typename Function>
  Function find(const char* name) {
    const auto function = reinterpret_cast<Function>(::dlsym(handle_, name));
    Dl_info info{};
    if (function != nullptr && ::dladdr(reinterpret_cast<const void*>(function), &info) != 0 &&
        info.dli_fname != nullptr) {
      path_ = info.dli_fname;
    }
    return function;
  }

  template <typename Function>
  Function require(const char* name) {
    if (const auto function = find<Function>(name)) return function;
    throw Failure(LC_LIBRARY_MISSING, "dlsym", path_ + ": has no " + name);
  }

  // Where it lies, once a function was found in it.
  const std::string& path() const { return path_; }

  // Leaves it loaded to the end of the process.
  void keep() { handle_ = nullptr; }

 private:
  void* handle_;
  std::string path_;
};

}  // namespace lc::trt
