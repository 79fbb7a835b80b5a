// A part of a file as read-only memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lc::core {

class MappedFile {
 public:
  // Any offset; pages are dealt with inside. Throws Error (kFileUnreadable) when the file does not hold that
  // part.
  MappedFile(const std::string& path, std::uint64_t offset, std::uint64_t byteCount);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void* pages_ = nullptr;
  std::size_t pageBytes_ = 0;
  std::span<const std::byte> bytes_;
};

}  // namespace lc::core
