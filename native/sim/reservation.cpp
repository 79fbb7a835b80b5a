#include "sim/reservation.h"

#include <sys/mman.h>

#include <new>

namespace lc::sim {

Reservation::Reservation(std::uint64_t bytes) : bytes_(bytes) {
  void* base = ::mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<std::byte*>(base);
}

Reservation::~Reservation() {
  ::munmap(base_, bytes_);
}

}  // namespace lc::sim
