#include "file_ops.h"

#include <files.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "errors.h"
#include "task.h"

namespace lc::addon {
namespace {

// Kind, size and two times.
constexpr std::size_t kStateValues = 4;

const char* textOf(files::Kind kind) {
  switch (kind) {
    case files::Kind::kFile:
      return "file";
    case files::Kind::kFolder:
      return "folder";
    case files::Kind::kOther:
      return "other";
  }
  return "other";
}

Napi::Value inspectFile(const Napi::CallbackInfo& info) {
  const std::string path = pathArgument(info, 0, "path");
  Napi::Uint8Array head = bytesArgument(info, 1, "head");
  const std::span<std::uint8_t> target(head.Data(), head.ByteLength());
  const auto status = std::make_shared<files::Status>();
  return Task::queue(
      info.Env(), "latent-cache.inspectFile", {head}, [=] { *status = files::inspect(path, target); },
      [=](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("kind", Napi::String::New(env, textOf(status->kind)));
        result.Set("bytes", Napi::Number::New(env, static_cast<double>(status->bytes)));
        result.Set("headBytes", Napi::Number::New(env, static_cast<double>(status->headBytes)));
        return result;
      });
}

Napi::Value readFileInto(const Napi::CallbackInfo& info) {
  const std::string path = pathArgument(info, 0, "path");
  Napi::Uint8Array bytes = bytesArgument(info, 1, "target");
  const std::span<std::uint8_t> target(bytes.Data(), bytes.ByteLength());
  const auto count = std::make_shared<std::size_t>();
  return Task::queue(
      info.Env(), "latent-cache.readFileInto", {bytes}, [=] { *count = files::readInto(path, target); },
      [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, static_cast<double>(*count)); });
}

Napi::Value writeFileAtomic(const Napi::CallbackInfo& info) {
  const std::string temporary = pathArgument(info, 0, "temporary");
  const std::string target = pathArgument(info, 1, "target");
  const Napi::Array list = arrayArgument(info, 2, "pieces");
  // Each piece is kept by itself: JS may empty the list while the write waits for a thread.
  std::vector<Napi::Value> kept;
  std::vector<std::span<const std::uint8_t>> pieces;
  for (std::uint32_t index = 0; index < list.Length(); ++index) {
    Napi::Uint8Array piece = bytesOf(list.Get(index), "each of pieces");
    pieces.emplace_back(piece.Data(), piece.ByteLength());
    kept.push_back(piece);
  }
  return Task::queue(
      info.Env(), "latent-cache.writeFileAtomic", kept,
      [=, pieces = std::move(pieces)] { files::writeAtomically(temporary, target, pieces); },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

Napi::Value statFiles(const Napi::CallbackInfo& info) {
  std::vector<std::string> paths = pathsArgument(info, 0, "paths");
  const auto states = std::make_shared<std::vector<files::State>>();
  return Task::queue(
      info.Env(), "latent-cache.statFiles", {},
      [=, paths = std::move(paths)] {
        states->reserve(paths.size());
        for (const std::string& path : paths) states->push_back(files::stateOf(path));
      },
      [=](Napi::Env env) -> Napi::Value {
        Napi::BigInt64Array result = Napi::BigInt64Array::New(env, states->size() * kStateValues);
        std::int64_t* next = result.Data();
        for (const files::State& state : *states) {
          for (const std::int64_t value : {state.kind, state.bytes, state.modified, state.changed}) {
            *next++ = value;
          }
        }
        return result;
      });
}

Napi::Value tryLockFile(const Napi::CallbackInfo& info) {
  const int descriptor = integerArgument(info, 0, "descriptor", 0, INT32_MAX);
  const auto locked = std::make_shared<bool>();
  return Task::queue(
      info.Env(), "latent-cache.tryLockFile", {}, [=] { *locked = files::tryLock(descriptor); },
      [=](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, *locked); });
}

Napi::Value isFileLocked(const Napi::CallbackInfo& info) {
  const int descriptor = integerArgument(info, 0, "descriptor", 0, INT32_MAX);
  const auto locked = std::make_shared<bool>();
  return Task::queue(
      info.Env(), "latent-cache.isFileLocked", {}, [=] { *locked = files::isLocked(descriptor); },
      [=](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, *locked); });
}

}  // namespace

void registerFileOps(Napi::Env env, Napi::Object exports) {
  exports.Set("inspectFile", Napi::Function::New(env, inspectFile, "inspectFile"));
  exports.Set("readFileInto", Napi::Function::New(env, readFileInto, "readFileInto"));
  exports.Set("writeFileAtomic", Napi::Function::New(env, writeFileAtomic, "writeFileAtomic"));
  exports.Set("statFiles", Napi::Function::New(env, statFiles, "statFiles"));
  exports.Set("tryLockFile", Napi::Function::New(env, tryLockFile, "tryLockFile"));
  exports.Set("isFileLocked", Napi::Function::New(env, isFileLocked, "isFileLocked"));
}

}  // namespace lc::addon
