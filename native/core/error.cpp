#include "core/error.h"

#include <utility>

namespace lc::core {

namespace {

// Never destroyed: a worker thread may still report one while the process ends.
const Error& hostMemory = *new Error(LC_HOST_MEMORY, "the process is out of memory");
const Error& cancelled = *new Error(LC_CANCELLED, "the call was cancelled");
const Error& closed = *new Error(kClosed, "the device was closed");
const Error& unexpected = *new Error(LC_INTERNAL, "an unexpected exception in the thread of a device");

}  // namespace

Error& Error::withOperation(std::string operation) {
  operation_ = std::move(operation);
  return *this;
}

Error& Error::withPath(std::string path) {
  path_ = std::move(path);
  return *this;
}

Error& Error::withBackend(std::string backend) {
  backend_ = std::move(backend);
  return *this;
}

Error& Error::withBytes(std::uint64_t asked, std::uint64_t free) {
  bytesAsked_ = asked;
  bytesFree_ = free;
  return *this;
}

lc_error emptyError() {
  lc_error error{};
  error.size = sizeof error;
  return error;
}

void check(lc_code code, const lc_error& error) {
  if (code == LC_OK) return;
  throw Error(code, error.message)
      .withOperation(error.operation)
      .withBytes(error.bytes_asked, error.bytes_free);
}

const Error& hostMemoryError() {
  return hostMemory;
}
const Error& cancelledError() {
  return cancelled;
}
const Error& closedError() {
  return closed;
}
const Error& unexpectedError() {
  return unexpected;
}

}  // namespace lc::core
