// The memory of machines that are made up of files.
#include "onednn/host_memory.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "check.h"
#include "core/lc_backend.h"
#include "plugin/failure.h"

using namespace lc::test;
using lc::onednn::MemoryInfo;
using lc::onednn::memoryInfo;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;

class Root {
 public:
  Root() {
    std::string name = (fs::temp_directory_path() / "latent-cache-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Root() { fs::remove_all(folder_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const std::string& path, const std::string& text) const {
    const fs::path file = folder_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  // Of 16 GiB, 10 are available.
  void writeMachine() const {
    write("proc/meminfo",
          "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:   10485760 kB\n"
          "Buffers:          131072 kB\n");
  }
  // Version 2, MiB; limit 0: "max".
  void writeGroup(const std::string& path, std::uint64_t limit, std::uint64_t usage,
                  std::uint64_t inactive) const {
    const std::string folder = "sys/fs/cgroup" + path;
    write(folder + "/memory.max", limit == 0 ? "max\n" : std::to_string(limit * kMiB) + "\n");
    write(folder + "/memory.current", std::to_string(usage * kMiB) + "\n");
    write(folder + "/memory.stat", "anon 4096\nfile 123\ninactive_anon 777\ninactive_file " +
                                       std::to_string(inactive * kMiB) + "\nactive_file 99\n");
  }
  void writeOldGroup(const std::string& path, std::uint64_t limitBytes, std::uint64_t usage,
                     std::uint64_t inactive) const {
    const std::string folder = "sys/fs/cgroup/memory" + path;
    write(folder + "/memory.limit_in_bytes", std::to_string(limitBytes) + "\n");
    write(folder + "/memory.usage_in_bytes", std::to_string(usage * kMiB) + "\n");
    write(folder + "/memory.stat",
          "cache 1\ninactive_file 5\ntotal_inactive_file " + std::to_string(inactive * kMiB) + "\n");
  }
  MemoryInfo info() const { return memoryInfo(folder_.string()); }

 private:
  fs::path folder_;
};

void checkInfo(const char* what, const Root& root, std::uint64_t freeMiB, std::uint64_t totalMiB) {
  const MemoryInfo info = root.info();
  check(info.freeBytes == freeMiB * kMiB, "%s: %llu MiB are free", what,
        static_cast<unsigned long long>(info.freeBytes / kMiB));
  check(info.totalBytes == totalMiB * kMiB, "%s: there are %llu MiB", what,
        static_cast<unsigned long long>(info.totalBytes / kMiB));
}

lc_code codeOf(const Root& root) {
  try {
    root.info();
    return LC_OK;
  } catch (const lc::plugin::Failure& failure) {
    return failure.code();
  }
}

void checkNoProc() {
  const Root nothing;
  check(codeOf(nothing) == LC_UNSUPPORTED, "without /proc: LC_UNSUPPORTED");
  const Root old;
  old.write("proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 1048576 kB\n");
  check(codeOf(old) == LC_UNSUPPORTED, "a kernel that does not say what is available: LC_UNSUPPORTED");
}

void checkNoGroup() {
  Root root;
  root.writeMachine();
  checkInfo("no cgroups", root, 10240, 16384);
  root.write("proc/self/cgroup", "0::/\n");
  checkInfo("a cgroup without files", root, 10240, 16384);
}

void checkVersion2() {
  Root root;
  root.writeMachine();
  root.write("proc/self/cgroup", "0::/user.slice/job\n");
  root.writeGroup("/user.slice/job", 0, 700, 20);
  root.writeGroup("/user.slice", 0, 800, 30);
  checkInfo("no limits", root, 10240, 16384);

  root.writeGroup("/user.slice/job", 1024, 700, 100);
  checkInfo("a limit of its own", root, 1024 - 600, 1024);

  root.writeGroup("/user.slice/job", 0, 700, 100);
  root.writeGroup("/user.slice", 2048, 1024, 24);
  checkInfo("a limit above", root, 2048 - 1000, 2048);

  root.writeGroup("/user.slice/job", 4096, 700, 100);
  checkInfo("a tighter limit above", root, 2048 - 1000, 2048);

  root.writeGroup("/user.slice/job", 1024, 700, 100);
  checkInfo("a wider limit above", root, 1024 - 600, 1024);

  root.writeGroup("/user.slice", 2048, 2000, 0);
  checkInfo("a wider limit above that others have used up", root, 48, 1024);
}

void checkEdges() {
  Root root;
  root.writeMachine();
  root.write("proc/self/cgroup", "0::/job\n");
  root.writeGroup("/job", 20'000, 1024, 0);
  checkInfo("a limit above the machine's memory", root, 10240, 16384);
  root.writeGroup("/job", 12'000, 100, 0);
  checkInfo("a limit that leaves more than is available", root, 10240, 12'000);
  root.writeGroup("/job", 1024, 1100, 0);
  checkInfo("more used than the limit", root, 0, 1024);
  root.writeGroup("/job", 1024, 100, 200);
  checkInfo("more inactive than used", root, 1024, 1024);
}

// Containers see their own cgroup as the root, whatever its path is outside.
void checkContainers() {
  Root root;
  root.writeMachine();
  root.write("proc/self/cgroup", "0::/\n");
  root.writeGroup("", 1024, 512, 0);
  checkInfo("a container of version 2", root, 512, 1024);

  Root old;
  old.writeMachine();
  old.write("proc/self/cgroup", "12:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n1:name=systemd:/docker/1\n");
  old.writeOldGroup("", 2048 * kMiB, 512, 12);
  checkInfo("a container of version 1", old, 2048 - 500, 2048);
}

void checkVersion1() {
  constexpr std::uint64_t kNoLimit = 0x7FFF'FFFF'FFFF'F000;
  Root root;
  root.writeMachine();
  root.write("proc/self/cgroup", "4:memory:/jobs/1\n2:cpuset:/\n0::/jobs/1\n");
  root.writeOldGroup("/jobs/1", kNoLimit, 300, 0);
  root.writeOldGroup("/jobs", 4096 * kMiB, 1000, 0);
  root.writeOldGroup("", kNoLimit, 5000, 0);
  checkInfo("version 1 with a limit above", root, 4096 - 1000, 4096);
}

void checkPages() {
  constexpr std::uint64_t kBytes = 5 * kMiB + 123;
  auto* pages = static_cast<unsigned char*>(lc::onednn::mapPages(kBytes));
  bool isZero = true;
  for (std::uint64_t i = 0; i < kBytes; ++i) isZero = isZero && pages[i] == 0;
  check(isZero, "pages are zeroed");
  std::memset(pages, 1, kBytes);
  lc::onednn::unmapPages(pages, kBytes);
  check(memoryInfo().totalBytes > 0, "this machine has memory");

  std::uint64_t asked = 0;
  try {
    lc::onednn::mapPages(std::uint64_t{1} << 62);
  } catch (const lc::plugin::Failure& failure) {
    if (failure.code() == LC_OUT_OF_MEMORY) asked = failure.bytesAsked();
  }
  check(asked == std::uint64_t{1} << 62, "more than there are addresses is LC_OUT_OF_MEMORY with the bytes");
}

}  // namespace

int main() {
  checkNoProc();
  checkNoGroup();
  checkVersion2();
  checkEdges();
  checkContainers();
  checkVersion1();
  checkPages();
  return report();
}
