// Reads, looks and atomic writes, in a folder of their own.
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "check.h"

namespace {

using lc::files::Kind;
using lc::test::check;
using Bytes = std::vector<std::uint8_t>;

std::string folder;
std::string inside(const char* name) {
  return folder + "/" + name;
}

void write(const std::string& path, const Bytes& bytes) {
  lc::files::writeAtomically(path + ".tmp", path, {std::span<const std::uint8_t>(bytes)});
}

template <typename Action>
std::string codeOf(Action action) {
  try {
    action();
  } catch (const lc::files::SystemError& error) {
    return error.code();
  }
  return "none";
}

void writesAllPieces() {
  const Bytes first{1, 2, 3};
  const Bytes second(100'000, 7);
  lc::files::writeAtomically(inside("a.tmp"), inside("a"), {first, {}, second});
  Bytes read(100'003);
  check(lc::files::readInto(inside("a"), read) == read.size(), "the file has all pieces");
  check(read[0] == 1 && read[2] == 3 && read[3] == 7 && read.back() == 7, "the pieces are in order");
  check(!std::filesystem::exists(inside("a.tmp")), "the temporary file is gone");
}

// More than one writev takes.
void writesThousandsOfPieces() {
  std::vector<std::uint8_t> bytes(5000);
  for (std::size_t index = 0; index < bytes.size(); ++index)
    bytes[index] = static_cast<std::uint8_t>(index % 251);
  std::vector<std::span<const std::uint8_t>> pieces;
  for (const std::uint8_t& byte : bytes) pieces.emplace_back(&byte, 1);
  lc::files::writeAtomically(inside("p.tmp"), inside("p"), pieces);
  Bytes read(bytes.size());
  check(lc::files::readInto(inside("p"), read) == bytes.size() && read == bytes, "all pieces, in order");
}

void replacesWhatIsThere() {
  write(inside("b"), {1, 1, 1, 1});
  write(inside("b"), {2});
  Bytes read(8);
  check(lc::files::readInto(inside("b"), read) == 1 && read[0] == 2,
        "the new file took the place of the old");
}

void replacesALink() {
  write(inside("elsewhere"), {1});
  check(::symlink("elsewhere", inside("link-to").c_str()) == 0, "a link is made");
  write(inside("link-to"), {2});
  Bytes read(1);
  check(lc::files::readInto(inside("elsewhere"), read) == 1 && read[0] == 1,
        "where the link led is untouched");
  check(!std::filesystem::is_symlink(inside("link-to")), "the new file took the place of the link");
}

void leavesNothingOnFailure() {
  write(inside("c"), {1});
  const std::string missing = inside("nowhere/c");
  check(codeOf([&] { write(missing, {1}); }) == "ENOENT", "a missing folder is ENOENT");
  std::filesystem::create_directory(inside("taken"));
  write(inside("taken/x"), {1});
  const std::string code = codeOf([&] { write(inside("taken"), {1}); });
  check(code == "EISDIR" || code == "EEXIST", "a folder in the way is an error, got %s", code.c_str());
  check(!std::filesystem::exists(inside("taken.tmp")), "no temporary file is left");
}

void tellsLengths() {
  write(inside("d"), {1, 2, 3, 4});
  Bytes shorter(3);
  Bytes equal(4);
  Bytes longer(9);
  check(lc::files::readInto(inside("d"), shorter) == 4, "one more than fits when the file is longer");
  check(lc::files::readInto(inside("d"), equal) == 4, "all of it when it fits");
  check(lc::files::readInto(inside("d"), longer) == 4, "what there is when it is shorter");
}

void inspects() {
  write(inside("e"), {9, 8, 7});
  std::array<std::uint8_t, 2> head{};
  const auto file = lc::files::inspect(inside("e"), head);
  check(file.kind == Kind::kFile && file.bytes == 3, "kind and size of a file");
  check(file.headBytes == 2 && head[0] == 9 && head[1] == 8, "its first bytes");
  check(lc::files::inspect(folder, head).kind == Kind::kFolder, "a folder");
  check(::mkfifo(inside("pipe").c_str(), 0600) == 0, "a pipe is made");
  check(lc::files::inspect(inside("pipe"), head).kind == Kind::kOther,
        "a pipe, without waiting for a writer");
  check(codeOf([&] { lc::files::inspect(inside("none"), head); }) == "ENOENT", "nothing there");
  check(::symlink("none", inside("link").c_str()) == 0, "a broken link is made");
  check(codeOf([&] { lc::files::inspect(inside("link"), head); }) == "ENOENT", "a broken link");
}

void tellsStates() {
  write(inside("s"), {1, 2, 3});
  struct stat status {};
  check(::stat(inside("s").c_str(), &status) == 0, "the file is there");
  const timespec times[2] = {{1, 0}, {1'700'000'000, 123'456'789}};
  check(::utimensat(AT_FDCWD, inside("s").c_str(), times, 0) == 0, "its time is set");
  const auto file = lc::files::stateOf(inside("s"));
  check(file.kind == 1 && file.bytes == 3, "kind and size of a file");
  check(file.modified == 1'700'000'000'123'456'789, "its time to the nanosecond");
  check(file.changed >= static_cast<std::int64_t>(status.st_ctim.tv_sec) * 1'000'000'000,
        "the time of its change cannot be set back");
  check(lc::files::stateOf(folder).kind == 2, "a folder");
  check(::mkfifo(inside("s-pipe").c_str(), 0600) == 0, "a pipe is made");
  check(lc::files::stateOf(inside("s-pipe")).kind == 3, "a pipe");
  check(::symlink("s", inside("s-link").c_str()) == 0, "a link is made");
  check(lc::files::stateOf(inside("s-link")).bytes == 3, "a link is what it leads to");
  const auto missing = lc::files::stateOf(inside("s-none"));
  check(missing.kind == 0 && missing.bytes == 0 && missing.modified == 0, "nothing there");
}

void locksOnce() {
  const auto open = [] { return ::open(inside("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); };
  const int first = open();
  const int second = open();
  check(!lc::files::isLocked(first), "a new file is free");
  check(lc::files::tryLock(first), "the first gets it");
  check(lc::files::isLocked(second), "the second sees that");
  check(!lc::files::isLocked(first), "its own lock is not another's");
  check(!lc::files::tryLock(second), "and does not get it");
  ::close(open());
  check(lc::files::isLocked(second), "closing another descriptor of the file frees nothing");
  ::close(first);
  check(lc::files::tryLock(second), "closing the holder's does");
  ::close(second);
  check(codeOf([&] { lc::files::tryLock(second); }) == "EBADF", "a closed descriptor is an error");
}

}  // namespace

int main() {
  std::string pattern = (std::filesystem::temp_directory_path() / "latent-cache-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return 1;
  folder = pattern;
  writesAllPieces();
  writesThousandsOfPieces();
  replacesWhatIsThere();
  replacesALink();
  leavesNothingOnFailure();
  tellsLengths();
  inspects();
  tellsStates();
  locksOnce();
  std::filesystem::remove_all(folder);
  return lc::test::report();
}
