#include "plugin/failure.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace lc::plugin {
namespace {

template <std::size_t size>
void copyText(char (&target)[size], std::string_view text) noexcept {
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

lc_code report(lc_error* error, lc_code code, std::string_view operation, std::string_view message,
               std::uint64_t asked = 0, std::uint64_t free = 0) noexcept {
  if (error == nullptr) return code;
  error->code = code;
  error->bytes_asked = asked;
  error->bytes_free = free;
  copyText(error->operation, operation);
  copyText(error->message, message);
  return code;
}

}  // namespace

Failure::Failure(lc_code code, std::string operation, const std::string& message)
    : std::runtime_error(message), code_(code), operation_(std::move(operation)) {}

Failure Failure::outOfMemory(std::string operation, std::uint64_t bytesAsked, std::uint64_t bytesFree) {
  Failure failure(LC_OUT_OF_MEMORY, std::move(operation),
                  "Out of device memory: " + std::to_string(bytesAsked) + " bytes were asked for and " +
                      std::to_string(bytesFree) + " are left");
  failure.bytesAsked_ = bytesAsked;
  failure.bytesFree_ = bytesFree;
  return failure;
}

lc_code reportCurrent(lc_error* error) noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return report(error, failure.code(), failure.operation(), failure.what(), failure.bytesAsked(),
                  failure.bytesFree());
  } catch (const std::bad_alloc&) {
    return report(error, LC_HOST_MEMORY, "operator new", "The process is out of memory");
  } catch (const std::exception& failure) {
    return report(error, LC_INTERNAL, "", failure.what());
  } catch (...) {
    return report(error, LC_INTERNAL, "", "An exception of an unknown kind");
  }
}

}  // namespace lc::plugin
