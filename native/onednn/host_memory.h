// Memory of this machine, as a device's.
#pragma once

#include <cstdint>
#include <string>

namespace lc::onednn {

struct MemoryInfo {
  std::uint64_t freeBytes;
  std::uint64_t totalBytes;
};

// What the kernel could give without swapping, and what there is; of the tightest cgroup above this process
// where that is less. `root` is "" but for tests. Throws Failure (LC_UNSUPPORTED) without /proc.
MemoryInfo memoryInfo(const std::string& root = "");

// Zeroed pages, in huge ones where the system has them: a fault for each 4 KiB costs as much as the work on
// it. Throws Failure (LC_OUT_OF_MEMORY with the bytes).
void* mapPages(std::uint64_t bytes);
void unmapPages(void* block, std::uint64_t bytes) noexcept;

}  // namespace lc::onednn
