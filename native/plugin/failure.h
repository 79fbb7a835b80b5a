// What goes wrong inside of a plug-in, in the words of the C interface.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "core/lc_backend.h"

namespace lc::plugin {

class Failure : public std::runtime_error {
 public:
  // `operation` is the call that failed: "enqueueV3". `message` is a sentence without a full stop.
  Failure(lc_code code, std::string operation, const std::string& message);
  static Failure outOfMemory(std::string operation, std::uint64_t bytesAsked, std::uint64_t bytesFree);

  lc_code code() const { return code_; }
  const std::string& operation() const { return operation_; }
  std::uint64_t bytesAsked() const { return bytesAsked_; }
  std::uint64_t bytesFree() const { return bytesFree_; }

 private:
  lc_code code_;
  std::string operation_;
  std::uint64_t bytesAsked_ = 0;
  std::uint64_t bytesFree_ = 0;
};

// Throws unless the caller's struct has at least the fields that are known here: a caller of an older
// interface has smaller ones.
template <typename Struct>
void requireSize(const Struct& value) {
  if (value.size >= sizeof value) return;
  throw Failure(LC_INVALID, "",
                "A struct has " + std::to_string(value.size) + " bytes, not " + std::to_string(sizeof value));
}

// Copies the failure that is being handled into `error`, for use in a catch block.
lc_code reportCurrent(lc_error* error) noexcept;

// Runs one function of the C interface: no exception leaves it.
template <typename Work>
lc_code guarded(lc_error* error, Work work) noexcept {
  try {
    work();
    return LC_OK;
  } catch (...) {
    return reportCurrent(error);
  }
}

}  // namespace lc::plugin
