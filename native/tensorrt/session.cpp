#include "tensorrt/session.h"

#include <utility>

namespace lc::trt {

Session::Session(const cuda::Runtime& runtime, std::uint32_t device, std::unique_ptr<Budget> budget,
                 ErrorRecorder::Log log)
    : gpu_(runtime, device),
      budget_(std::move(budget)),
      recorder_(std::move(log)),
      allocator_(gpu_, *budget_),
      stream_(gpu_) {}

Session::Pointer Session::open(const cuda::Runtime& runtime, std::uint32_t device,
                               std::unique_ptr<Budget> budget, ErrorRecorder::Log log) {
  return Pointer(new Session(runtime, device, std::move(budget), std::move(log)));
}

// Objects of a lost device are never destroyed and go on pointing to their session.
void Session::Close::operator()(Session* session) const {
  if (session->gpu_.lost()) {
    session->allocator_.detach();
    session->recorder_.detach();
    abandon(session);
  } else {
    delete session;
  }
}

void Session::begin() {
  recorder_.clear();
  allocator_.clearDenial();
}

void Session::fail(lc_code code, const char* operation, const std::string& what) {
  settle();
  if (gpu_.lost()) {
    throw Failure(LC_DEVICE_LOST, operation, "The device was lost; only a new process can use it again");
  }
  if (const auto denial = allocator_.denial()) {
    throw Failure::outOfMemory(operation, denial->bytesAsked, denial->bytesFree);
  }
  const std::string reason = recorder_.text();
  throw Failure(code, operation, reason.empty() ? what : what + ": " + reason);
}

void Session::settle() noexcept {
  if (gpu_.lost()) return;
  gpu_.succeeded(gpu_.call().cudaGetLastError());
  stream_.synchronize();
}

}  // namespace lc::trt
