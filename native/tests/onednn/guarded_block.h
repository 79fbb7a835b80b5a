// Memory between two pages that nothing may touch: also what generated code does beyond it ends the process.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "onednn/session.h"

namespace lc::test {

class GuardedBlock {
 public:
  // At the front it is aligned to a page, at the back as far as `bytes` is a multiple.
  GuardedBlock(std::uint64_t bytes, Edge edge, std::uint8_t content) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (bytes + page - 1) / page * page;
    size_ = inner + 2 * page;
    all_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all_ == MAP_FAILED) throw std::bad_alloc();
    auto* first = static_cast<std::byte*>(all_) + page;
    if (mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = edge == Edge::kFront ? first : first + (inner - bytes);
    std::memset(data_, content, bytes);
  }
  ~GuardedBlock() { munmap(all_, size_); }
  GuardedBlock(const GuardedBlock&) = delete;
  GuardedBlock& operator=(const GuardedBlock&) = delete;

  void* data() const { return data_; }

 private:
  void* all_;
  std::size_t size_;
  void* data_;
};

}  // namespace lc::test
