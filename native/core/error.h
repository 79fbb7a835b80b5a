// What every function of the core throws.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "core/lc_backend.h"

namespace lc::core {

// Codes of the core itself, beside those of back-ends.
enum : lc_code {
  kPluginUnusable = 1001,  // the plug-in does not load, or is of another interface version
  kFileUnreadable = 1002,  // a file that does not open or is too short; path() is set
  kClosed = 1003,          // the device was closed before the job's turn
};

class Error : public std::runtime_error {
 public:
  Error(lc_code code, const std::string& message) : std::runtime_error(message), code_(code) {}

  lc_code code() const { return code_; }
  // The call that failed, "cudaMalloc"; may be empty.
  const std::string& operation() const { return operation_; }
  const std::string& path() const { return path_; }
  // Of a context that did not open: "tensorrt10".
  const std::string& backend() const { return backend_; }
  // LC_OUT_OF_MEMORY: the allocation that failed, and what was left to it.
  std::uint64_t bytesAsked() const { return bytesAsked_; }
  std::uint64_t bytesFree() const { return bytesFree_; }

  Error& withOperation(std::string operation);
  Error& withPath(std::string path);
  Error& withBackend(std::string backend);
  Error& withBytes(std::uint64_t asked, std::uint64_t free);

 private:
  lc_code code_;
  std::string operation_;
  std::string path_;
  std::string backend_;
  std::uint64_t bytesAsked_ = 0;
  std::uint64_t bytesFree_ = 0;
};

// An lc_error to hand to a back-end.
lc_error emptyError();

// Throws what the back-end reported unless the code is LC_OK.
void check(lc_code code, const lc_error& error);

// Made when the process starts: to report them allocates nothing.
const Error& hostMemoryError();
const Error& cancelledError();
const Error& closedError();
const Error& unexpectedError();

// Calls `use` with the error behind an exception of any type.
template <typename Use>
void withError(const std::exception_ptr& failure, Use use) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    use(error);
  } catch (const std::bad_alloc&) {
    use(hostMemoryError());
  } catch (...) {
    use(unexpectedError());
  }
}

}  // namespace lc::core
