#include "tensorrt/library.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>

#include "tensorrt/failure.h"
#include "tensorrt/shared_object.h"

namespace lc::trt {
namespace {

namespace fs = std::filesystem;

const std::string kMajor = std::to_string(NV_TENSORRT_MAJOR);
const std::string kLibraryStem = "libnvinfer.so.";

// Until TensorRT 9 the number was major * 1000 + minor * 100 + patch.
constexpr std::int32_t kFirstLongVersion = 10000;

std::string versionText(std::int32_t version) {
  const std::int32_t major = version < kFirstLongVersion ? version / 1000 : version / 10000;
  const std::int32_t minor = version < kFirstLongVersion ? version / 100 % 10 : version / 100 % 100;
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(version % 100);
}

std::string needed() {
  return versionText(NV_TENSORRT_VERSION) + " or a newer " + kMajor + ".x is needed";
}

void requireUsable(std::int32_t version, const std::string& path) {
  const std::string found = path + " is TensorRT " + versionText(version);
  if (version < kFirstLongVersion) {
    throw Failure(LC_LIBRARY_TOO_OLD, "getInferLibVersion", found + ", which is too old; " + needed());
  }
  if (version / 10000 != NV_TENSORRT_MAJOR) {
    throw Failure(LC_LIBRARY_MAJOR, "getInferLibVersion", found + ", another major version; " + needed());
  }
  if (version < NV_TENSORRT_VERSION) {
    throw Failure(LC_LIBRARY_TOO_OLD, "getInferLibVersion", found + ", which is too old; " + needed());
  }
}

std::vector<std::string> candidatesOf(const std::string& name, const std::vector<std::string>& folders) {
  std::vector<std::string> candidates;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    const fs::path path = fs::path(folder) / name;
    if (fs::exists(path, ignored)) candidates.push_back(path.string());
  }
  candidates.push_back(name);
  return candidates;
}

// The libnvinfer of another major version in one of the folders.
std::optional<std::string> findOtherMajor(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::vector<std::string> paths;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      const bool isLibrary = name.starts_with(kLibraryStem) && name.size() > kLibraryStem.size() &&
                             name.find_first_not_of("0123456789", kLibraryStem.size()) == std::string::npos;
      if (isLibrary) paths.push_back(entry.path().string());
    }
    if (!paths.empty()) return *std::max_element(paths.begin(), paths.end());
  }
  return std::nullopt;
}

// The parser needs libnvinfer.so.MAJOR, which is loaded already: the loader takes that one whatever folder it
// is in.
std::unique_ptr<SharedObject> openParser(const std::string& libraryPath,
                                         const std::vector<std::string>& folders) {
  std::vector<std::string> places{fs::path(libraryPath).parent_path().string()};
  places.insert(places.end(), folders.begin(), folders.end());
  std::string reasons;
  for (const std::string& candidate : candidatesOf("libnvonnxparser.so." + kMajor, places)) {
    try {
      return std::make_unique<SharedObject>(candidate);
    } catch (const Failure& failure) {
      reasons += (reasons.empty() ? "" : "; ") + std::string(failure.what());
    }
  }
  throw Failure(LC_LIBRARY_MISSING, "dlopen",
                "The ONNX parser of " + libraryPath + " was not found: " + reasons);
}

// The parts of the builder lie beside the library; from 10.16 on it can be told so.
void setBuilderFolder(SharedObject& library) {
  const std::string folder = fs::path(library.path()).parent_path().string();
  const auto setPath = library.find<bool (*)(const char*) noexcept>("setInternalLibraryPath");
  if (setPath != nullptr && !folder.empty()) setPath((folder + "/").c_str());
}

}  // namespace

std::unique_ptr<Library> Library::open(const std::string& candidate,
                                       const std::vector<std::string>& folders) {
  SharedObject object(candidate);
  const auto version = object.require<decltype(&::getInferLibVersion)>("getInferLibVersion")();
  requireUsable(version, object.path());

  std::unique_ptr<Library> library(new Library);
  library->version_ = versionText(version);
  library->createBuilder_ = object.require<decltype(createBuilder_)>("createInferBuilder_INTERNAL");
  library->createRuntime_ = object.require<decltype(createRuntime_)>("createInferRuntime_INTERNAL");
  const std::unique_ptr<SharedObject> parser = openParser(object.path(), folders);
  library->createParser_ = parser->require<decltype(createParser_)>("createNvOnnxParser_INTERNAL");
  if (candidate.find('/') != std::string::npos) setBuilderFolder(object);
  // TensorRT has threads and thread-local state of its own: unloading it is not known to be safe.
  object.keep();
  parser->keep();
  return library;
}

const Library& Library::load(const std::vector<std::string>& folders) {
  static std::mutex mutex;
  static const Library* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return *loaded;

  const std::vector<std::string> candidates = candidatesOf(kLibraryStem + kMajor, folders);
  std::optional<Failure> problem;
  for (const std::string& candidate : candidates) {
    try {
      loaded = open(candidate, folders).release();
      return *loaded;
    } catch (const Failure& failure) {
      // "Too old" helps more than "not found", which is what the loader says in the end.
      const bool missing = failure.code() == LC_LIBRARY_MISSING;
      if (!problem || (problem->code() == LC_LIBRARY_MISSING && !missing)) problem = failure;
    }
  }
  if (problem->code() != LC_LIBRARY_MISSING) throw *problem;
  if (candidates.size() == 1) {
    if (const auto other = findOtherMajor(folders)) {
      throw Failure(LC_LIBRARY_MAJOR, "dlopen",
                    *other + " is of another major version of TensorRT; " + needed());
    }
  }
  throw Failure(LC_LIBRARY_MISSING, problem->operation(),
                "TensorRT " + kMajor + " was not found: " + problem->what());
}

}  // namespace lc::trt
