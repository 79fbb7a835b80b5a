#include "onednn/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "plugin/failure.h"

namespace lc::onednn {
namespace {

using plugin::Failure;

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

std::optional<std::uint64_t> numberIn(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  // "max" is no number: no limit
  if (file >> number) return number;
  return std::nullopt;
}

// A line "NAME:   123 kB" or, in memory.stat, "NAME 123".
std::optional<std::uint64_t> lineOf(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    std::uint64_t number = 0;
    if (words >> word >> number && word == name) return number;
  }
  return std::nullopt;
}

// Limits the answer by one cgroup. Pages of files that were not used lately are given back before the limit
// is enforced, so they count as free.
void limitBy(const std::string& folder, const char* limitName, const char* usageName,
             const char* inactiveName, MemoryInfo& info) {
  const auto limit = numberIn(folder + limitName);
  const auto usage = numberIn(folder + usageName);
  if (!limit || !usage) return;
  const std::uint64_t inactive = lineOf(folder + "/memory.stat", inactiveName).value_or(0);
  const std::uint64_t used = *usage - std::min(*usage, inactive);
  info.totalBytes = std::min(info.totalBytes, *limit);
  info.freeBytes = std::min(info.freeBytes, *limit - std::min(*limit, used));
}

// The folders from a process's cgroup up to the root of its hierarchy.
template <typename Visit>
void eachAbove(const std::string& mount, std::string path, Visit visit) {
  for (;;) {
    visit(mount + (path == "/" ? "" : path));
    if (path.empty() || path == "/") return;
    path.resize(path.rfind('/'));
  }
}

}  // namespace

MemoryInfo memoryInfo(const std::string& root) {
  const std::string meminfo = root + "/proc/meminfo";
  const auto total = lineOf(meminfo, "MemTotal:");
  const auto available = lineOf(meminfo, "MemAvailable:");
  if (!total || !available) {
    throw Failure(LC_UNSUPPORTED, meminfo, "This system does not say how much memory it has");
  }
  MemoryInfo info{*available * 1024, *total * 1024};
  std::ifstream cgroups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) {
    // "0::/path" is the one of version 2, "4:memory:/path" that of version 1
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      eachAbove(root + "/sys/fs/cgroup", path, [&](const std::string& folder) {
        limitBy(folder, "/memory.max", "/memory.current", "inactive_file", info);
      });
    } else if (controllers == "memory") {
      eachAbove(root + "/sys/fs/cgroup/memory", path, [&](const std::string& folder) {
        limitBy(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file", info);
      });
    }
  }
  return info;
}

void* mapPages(std::uint64_t bytes) {
  void* block = bytes > std::numeric_limits<std::size_t>::max()
                    ? MAP_FAILED
                    : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) {
    throw Failure::outOfMemory("mmap", bytes, memoryInfo().freeBytes);
  }
  if (bytes >= kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

void unmapPages(void* block, std::uint64_t bytes) noexcept {
  munmap(block, bytes);
}

}  // namespace lc::onednn
