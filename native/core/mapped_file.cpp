#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace lc::core {

namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  const int value_;
};

[[noreturn]] void fail(const char* operation, const std::string& path) {
  const std::string reason = std::system_category().message(errno);
  throw Error(kFileUnreadable, path + ": " + reason).withOperation(operation).withPath(path);
}

}  // namespace

MappedFile::MappedFile(const std::string& path, std::uint64_t offset, std::uint64_t byteCount) {
  const Descriptor file(path);
  if (file.get() < 0) fail("open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("fstat", path);
  const std::uint64_t length = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  // A page past the end would map, and end the process when it is read.
  if (offset > length || byteCount > length - offset) {
    const std::string part = std::to_string(byteCount) + " bytes at " + std::to_string(offset);
    throw Error(kFileUnreadable,
                path + ": " + part + " are past its end, " + std::to_string(length) + " bytes")
        .withPath(path);
  }
  if (byteCount == 0) return;
  const std::uint64_t skipped = offset % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  pageBytes_ = byteCount + skipped;
  void* pages =
      ::mmap(nullptr, pageBytes_, PROT_READ, MAP_PRIVATE, file.get(), static_cast<off_t>(offset - skipped));
  if (pages == MAP_FAILED) fail("mmap", path);
  pages_ = pages;
  bytes_ = {static_cast<const std::byte*>(pages) + skipped, byteCount};
}

MappedFile::~MappedFile() {
  if (pages_ != nullptr) ::munmap(pages_, pageBytes_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : pages_(std::exchange(other.pages_, nullptr)),
      pageBytes_(other.pageBytes_),
      bytes_(std::exchange(other.bytes_, {})) {}

}  // namespace lc::core
