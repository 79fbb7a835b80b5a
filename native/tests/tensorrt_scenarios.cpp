// The TensorRT plug-in, through its C table, on the fake CUDA runtime and the fake TensorRT: what it answers
// in each situation, and that nothing is left afterwards. Usage: tensorrt_scenarios PLUGIN FOLDER_OF_CUDART
// FOLDER_OF_TENSORRT
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "check.h"
#include "core/lc_backend.h"
#include "doubles/fake_cuda.h"
#include "doubles/fake_tensorrt.h"

namespace {

using lc::test::check;

constexpr std::uint32_t kSlots = 2;
constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

template <typename Function>
Function* symbol(void* library, const char* name) {
  auto* found = reinterpret_cast<Function*>(dlsym(library, name));
  if (found == nullptr) {
    std::fprintf(stderr, "no %s\n", name);
    std::exit(1);
  }
  return found;
}

struct Doubles {
  decltype(lc_fake_cuda_reset)* cudaReset;
  decltype(lc_fake_cuda_defaults)* cudaDefaults;
  decltype(lc_fake_cuda_query)* cudaQuery;
  decltype(lc_fake_trt_reset)* trtReset;
  decltype(lc_fake_trt_query)* trtQuery;
};

// The core's side: a budget that is kept, and that can refuse the k-th request.
struct Host {
  std::uint64_t limit = 1024 * kMebibyte;
  std::uint64_t used = 0;
  int requests = 0;
  int refuseAt = 0;

  lc_host face() { return {sizeof(lc_host), this, reserve, release, log}; }

  static std::int32_t reserve(void* self, std::uint64_t bytes, std::uint64_t* available) {
    auto& host = *static_cast<Host*>(self);
    *available = host.limit - host.used;
    if (++host.requests == host.refuseAt || bytes > *available) return 0;
    host.used += bytes;
    return 1;
  }
  static void release(void* self, std::uint64_t bytes) { static_cast<Host*>(self)->used -= bytes; }
  static void log(void*, std::int32_t, const char*) {}
};

std::string lengthDelimited(char tag, const std::string& bytes) {
  return std::string(1, tag) + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

// An ONNX ValueInfoProto; -1 is a free side.
std::string valueInfo(const std::string& name, char type, const std::vector<int>& sides) {
  std::string shape;
  for (const int side : sides) {
    const std::string dimension =
        side < 0 ? lengthDelimited('\x12', "free")
                 : std::string(1, '\x08').append(varint(static_cast<std::uint64_t>(side)));
    shape += lengthDelimited('\x0a', dimension);
  }
  const std::string tensor = std::string{'\x08', type} + lengthDelimited('\x12', shape);
  return lengthDelimited('\x0a', name) + lengthDelimited('\x12', lengthDelimited('\x0a', tensor));
}

// As much of a model as the fake looks at.
std::string graphFor(int height, int width) {
  const auto latent = [](int side) { return side < 0 ? -1 : side / 8; };
  return "graph" + valueInfo("pixels", 2, {-1, height, width, 3}) +
         valueInfo("moments", 1, {-1, 8, latent(height), latent(width)});
}

struct BuildResult {
  lc_code code;
  std::string plan;
  std::string timings;
  std::string message;
};

struct BuildRequest {
  int height = 64;
  int width = 64;
  lc_shape minimum{1, 64, 64};
  lc_shape maximum{4, 64, 64};
  std::string timings;
  int cancelAfter = 0;
  std::uint64_t memoryLimit = 64 * kMebibyte;
};

class Bench {
 public:
  Bench(const lc_backend& backend, const Doubles& doubles, lc_context* context)
      : backend(backend), doubles(doubles), context(context) {}

  BuildResult build(const BuildRequest& request) {
    struct Collected {
      BuildResult result;
      int steps = 0;
      int cancelAfter = 0;
    } collected;
    collected.cancelAfter = request.cancelAfter;
    const std::string graph = graphFor(request.height, request.width);
    const std::string weights(4096, 'w');
    const lc_tensor tensor{"encoder.conv_in.weight", weights.data(), weights.size()};
    lc_build build{};
    build.size = sizeof build;
    build.graph = graph.data();
    build.graph_byte_count = graph.size();
    build.tensors = &tensor;
    build.tensor_count = 1;
    build.minimum = request.minimum;
    build.optimum = request.maximum;
    build.maximum = request.maximum;
    build.optimization_level = 3;
    build.memory_limit = request.memoryLimit;
    build.timing_cache = request.timings.data();
    build.timing_cache_byte_count = request.timings.size();
    build.self = &collected;
    build.on_progress = [](void* self, const char*, std::int32_t, std::int32_t) -> std::int32_t {
      auto& all = *static_cast<Collected*>(self);
      return ++all.steps == all.cancelAfter ? 0 : 1;
    };
    build.on_log = [](void*, std::int32_t, const char*) {};
    build.on_plan = [](void* self, const void* bytes, std::uint64_t size) {
      static_cast<Collected*>(self)->result.plan.assign(static_cast<const char*>(bytes), size);
    };
    build.on_timing_cache = [](void* self, const void* bytes, std::uint64_t size) {
      static_cast<Collected*>(self)->result.timings.assign(static_cast<const char*>(bytes), size);
    };
    lc_error error = empty();
    collected.result.code = backend.build(context, &build, &error);
    collected.result.message = error.message;
    return collected.result;
  }

  static lc_error empty() {
    lc_error error{};
    error.size = sizeof error;
    return error;
  }

  const lc_backend& backend;
  const Doubles& doubles;
  lc_context* context;
};

// What the core does with a device: opens it, places runs in one block, encodes, closes. The first error ends
// it.
class Job {
 public:
  explicit Job(Bench& bench, Host& host) : bench_(bench), host_(host), face_(host.face()) {}
  ~Job() { close(); }

  bool open(const std::string& plan) {
    return keep(bench_.backend.device_open(bench_.context, 0, kSlots, &face_, &device_, &error_)) &&
           openEngine(plan);
  }
  bool openEngine(const std::string& plan) {
    return keep(bench_.backend.engine_open(device_, plan.data(), plan.size(), &engine_, &error_));
  }
  bool memory(lc_shape shape, lc_run_memory& memory) {
    memory.size = sizeof memory;
    return keep(bench_.backend.engine_memory(engine_, &shape, &memory, &error_));
  }

  // Runs of one shape, as many in flight as there are slots; every value is compared.
  bool encode(lc_shape shape, int runs) {
    lc_run_memory need{};
    if (!memory(shape, need) || !allocate(need)) return false;
    std::vector<int> inSlot(kSlots, -1);
    for (int run = 0; run < runs + static_cast<int>(kSlots); ++run) {
      const std::uint32_t slot = static_cast<std::uint32_t>(run) % kSlots;
      if (inSlot[slot] >= 0 && !collect(slot, shape, inSlot[slot])) return false;
      inSlot[slot] = -1;
      if (run >= runs) continue;
      if (!send(slot, shape, need, run)) {
        finishOthers(inSlot);
        return false;
      }
      inSlot[slot] = run;
    }
    return true;
  }

  void close() {
    if (engine_ != nullptr) bench_.backend.engine_close(engine_);
    engine_ = nullptr;
    freeMemory();
    if (device_ != nullptr) bench_.backend.device_close(device_);
    device_ = nullptr;
  }
  void freeMemory() {
    if (block_ != nullptr) {
      if (code_ != LC_DEVICE_LOST) bench_.backend.block_free(device_, block_);
      Host::release(&host_, blockBytes_);
    }
    block_ = nullptr;
    for (void*& staging : staging_) {
      if (staging != nullptr && code_ != LC_DEVICE_LOST) bench_.backend.staging_free(device_, staging);
      staging = nullptr;
    }
  }

  bool submitAlone(lc_shape shape, const lc_run_memory& need) {
    return allocate(need) && send(0, shape, need, 0);
  }
  // As if nothing had failed.
  void forget() { code_ = LC_OK; }
  lc_code code() const { return code_; }
  const lc_error& error() const { return error_; }

 private:
  bool keep(lc_code code) {
    if (code_ == LC_OK) code_ = code;
    return code == LC_OK;
  }

  bool allocate(const lc_run_memory& need) {
    const auto aligned = [](std::uint64_t bytes) {
      return (bytes + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
    };
    freeMemory();
    activations_ = aligned(need.activation_bytes);
    input_ = aligned(need.input_bytes);
    output_ = aligned(need.output_bytes);
    blockBytes_ = activations_ + kSlots * (input_ + output_);
    std::uint64_t available = 0;
    if (Host::reserve(&host_, blockBytes_, &available) == 0) return keep(LC_OUT_OF_MEMORY);
    if (!keep(bench_.backend.block_alloc(device_, blockBytes_, &block_, &error_))) {
      block_ = nullptr;
      Host::release(&host_, blockBytes_);
      return false;
    }
    for (std::size_t i = 0; i < staging_.size(); ++i) {
      const std::uint64_t bytes = i < kSlots ? need.input_bytes : need.output_bytes;
      if (!keep(bench_.backend.staging_alloc(device_, bytes, &staging_[i], &error_))) return false;
    }
    return true;
  }

  // As the core does before it uses the memory for anything else.
  void finishOthers(const std::vector<int>& inSlot) {
    lc_error error = Bench::empty();
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      if (inSlot[slot] >= 0 && code_ != LC_DEVICE_LOST) bench_.backend.finish(device_, slot, &error);
    }
  }

  static unsigned char pixelOf(int run, std::uint64_t i) {
    return static_cast<unsigned char>(i * 7 + static_cast<std::uint64_t>(run) * 31);
  }

  bool send(std::uint32_t slot, lc_shape shape, const lc_run_memory& need, int run) {
    auto* pixels = static_cast<unsigned char*>(staging_[slot]);
    for (std::uint64_t i = 0; i < need.input_bytes; ++i) pixels[i] = pixelOf(run, i);
    auto* block = static_cast<unsigned char*>(block_);
    lc_run request{};
    request.size = sizeof request;
    request.shape = shape;
    request.slot = slot;
    request.activations = block;
    request.activation_bytes = activations_;
    request.device_input = block + activations_ + slot * input_;
    request.device_output = block + activations_ + kSlots * input_ + slot * output_;
    request.host_input = pixels;
    request.host_output = staging_[kSlots + slot];
    return keep(bench_.backend.submit(engine_, &request, &error_));
  }

  bool collect(std::uint32_t slot, lc_shape shape, int run) {
    if (!keep(bench_.backend.finish(device_, slot, &error_))) return false;
    const auto* moments = static_cast<const float*>(staging_[kSlots + slot]);
    const std::uint64_t rows = shape.height / 8;
    const std::uint64_t columns = shape.width / 8;
    int wrong = 0;
    for (std::uint64_t n = 0, at = 0; n < shape.count; ++n) {
      for (std::uint64_t c = 0; c < 8; ++c) {
        for (std::uint64_t y = 0; y < rows; ++y) {
          for (std::uint64_t x = 0; x < columns; ++x, ++at) {
            const std::uint64_t pixel = ((n * shape.height + y * 8) * shape.width + x * 8) * 3 + c % 3;
            if (moments[at] != static_cast<float>(pixelOf(run, pixel)) + static_cast<float>(c)) ++wrong;
          }
        }
      }
    }
    check(wrong == 0, "run %d: %d values are wrong", run, wrong);
    return true;
  }

  Bench& bench_;
  Host& host_;
  lc_host face_;
  lc_device* device_ = nullptr;
  lc_engine* engine_ = nullptr;
  void* block_ = nullptr;
  std::uint64_t blockBytes_ = 0;
  std::uint64_t activations_ = 0;
  std::uint64_t input_ = 0;
  std::uint64_t output_ = 0;
  std::vector<void*> staging_ = std::vector<void*>(2 * kSlots, nullptr);
  lc_code code_ = LC_OK;
  lc_error error_ = Bench::empty();
};

class Scenarios {
 public:
  explicit Scenarios(Bench& bench) : bench_(bench) {}

  // Runs one on fresh doubles, and demands that nothing is left of it unless the device is lost.
  void run(const std::string& name, const lc_fake_cuda_options& cuda, const lc_fake_trt_options& trt,
           Host host, const std::function<void(Host&)>& body) {
    ++count_;
    bench_.doubles.cudaReset(&cuda);
    bench_.doubles.trtReset(&trt);
    body(host);
    lc_fake_cuda_state left{};
    std::int64_t objects = 0;
    std::int64_t misuse = 0;
    bench_.doubles.cudaQuery(&left);
    bench_.doubles.trtQuery(&objects, &misuse);
    const bool isLost = cuda.lose_at > 0 && left.calls >= cuda.lose_at;
    if (!isLost) {
      check(left.live_bytes == 0, "%s: %llu device bytes are left", name.c_str(),
            static_cast<unsigned long long>(left.live_bytes));
      check(left.host_bytes == 0 && left.streams == 0 && left.events == 0,
            "%s: staging, streams or events are left", name.c_str());
      check(objects == 0, "%s: %lld objects of TensorRT are left", name.c_str(),
            static_cast<long long>(objects));
    }
    check(host.used == 0, "%s: %llu bytes of the budget are left", name.c_str(),
          static_cast<unsigned long long>(host.used));
    check(left.misuse == 0 && misuse == 0, "%s: rules were broken", name.c_str());
  }
  void run(const std::string& name, const std::function<void(Host&)>& body) {
    run(name, cuda(), trt(), Host(), body);
  }

  lc_fake_cuda_options cuda() const {
    lc_fake_cuda_options options{};
    bench_.doubles.cudaDefaults(&options);
    options.copy_us = 20;
    return options;
  }
  static lc_fake_trt_options trt() {
    lc_fake_trt_options options{};
    options.run_us = 50;
    return options;
  }

  int count() const { return count_; }

 private:
  Bench& bench_;
  int count_ = 0;
};

void expectCode(const char* what, lc_code code, lc_code expected) {
  check(code == expected, "%s: code %d instead of %d", what, code, expected);
}

void builds(Scenarios& scenarios, Bench& bench) {
  scenarios.run("build", [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("build", built.code, LC_OK);
    check(!built.plan.empty() && !built.timings.empty(), "a build gives a plan and timings");
  });
  scenarios.run("build with known timings", [&](Host&) {
    BuildRequest request;
    request.timings = bench.build({}).timings;
    expectCode("known timings", bench.build(request).code, LC_OK);
  });
  scenarios.run("build with foreign timings", [&](Host&) {
    BuildRequest request;
    request.timings = "of another device";
    expectCode("foreign timings", bench.build(request).code, LC_OK);
  });
  for (int step = 1; step <= 6; ++step) {
    scenarios.run("cancel", [&](Host&) {
      BuildRequest request;
      request.cancelAfter = step;
      expectCode("cancel", bench.build(request).code, LC_CANCELLED);
    });
  }
  lc_fake_trt_options failing = Scenarios::trt();
  failing.build_fails = 1;
  scenarios.run("failed build", scenarios.cuda(), failing, Host(), [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("failed build", built.code, LC_BUILD_FAILED);
    check(built.message.find("no implementation was found") != std::string::npos, "it says why: %s",
          built.message.c_str());
  });
  failing = Scenarios::trt();
  failing.parser_fails = 1;
  scenarios.run("refused graph", scenarios.cuda(), failing, Host(), [&](Host&) {
    const BuildResult built = bench.build({});
    expectCode("refused graph", built.code, LC_BUILD_FAILED);
    check(built.message.find("an operator that is not there") != std::string::npos, "it says why: %s",
          built.message.c_str());
  });
  scenarios.run("build without memory", [&](Host&) {
    BuildRequest request;
    request.memoryLimit = 512;
    expectCode("no memory", bench.build(request).code, LC_OUT_OF_MEMORY);
  });
}

void runs(Scenarios& scenarios, Bench& bench) {
  scenarios.run("encode", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({1, 64, 64}, 1);
    job.encode({4, 64, 64}, 5);
    job.encode({2, 64, 64}, 3);
    expectCode("encode", job.code(), LC_OK);
  });
  scenarios.run("encode any size", [&](Host& host) {
    BuildRequest request;
    request.height = request.width = -1;
    request.minimum = {1, 64, 64};
    request.maximum = {4, 256, 256};
    Job job(bench, host);
    job.open(bench.build(request).plan);
    job.encode({1, 64, 256}, 2);
    job.encode({3, 256, 64}, 3);
    expectCode("any size", job.code(), LC_OK);
  });
  scenarios.run("exact memory", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    lc_run_memory one{};
    lc_run_memory four{};
    job.memory({1, 64, 64}, one);
    job.memory({4, 64, 64}, four);
    // what the fake needs: 16 bytes for each pixel
    check(one.activation_bytes == 16 * 64 * 64 && four.activation_bytes == 4 * one.activation_bytes,
          "activations follow the shape");
    check(one.input_bytes == 3 * 64 * 64 && one.output_bytes == 4 * 8 * 8 * 8,
          "input and output of one image");
  });
  for (const lc_shape wrong : {lc_shape{5, 64, 64}, lc_shape{1, 64, 72}, lc_shape{1, 56, 64}}) {
    scenarios.run("wrong shape", [&](Host& host) {
      Job job(bench, host);
      job.open(bench.build({}).plan);
      lc_run_memory memory{};
      job.memory(wrong, memory);
      expectCode("wrong shape", job.code(), LC_SHAPE);
      job.forget();
      job.encode({1, 64, 64}, 2);
      expectCode("after a wrong shape", job.code(), LC_OK);
    });
  }
  for (const char* plan : {"", "no plan", "FAKEPLAN"}) {
    scenarios.run("damaged plan", [&](Host& host) {
      Job job(bench, host);
      job.open(plan);
      expectCode("damaged plan", job.code(), LC_ENGINE_INVALID);
    });
  }
  scenarios.run("closed with runs in flight", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    lc_run_memory memory{};
    job.memory({4, 64, 64}, memory);
    job.submitAlone({4, 64, 64}, memory);
  });
  scenarios.run("trim and again", [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 2);
    job.freeMemory();
    job.encode({2, 64, 64}, 2);
    expectCode("again", job.code(), LC_OK);
  });
  lc_fake_cuda_options pageable = scenarios.cuda();
  pageable.fail_host_alloc = 1;
  scenarios.run("no page-locked memory", pageable, Scenarios::trt(), Host(), [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 3);
    expectCode("pageable", job.code(), LC_OK);
  });
  lc_fake_trt_options failing = Scenarios::trt();
  failing.enqueue_fails_at = 2;
  scenarios.run("a run that fails", scenarios.cuda(), failing, Host(), [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    job.encode({2, 64, 64}, 3);
    expectCode("failing run", job.code(), LC_INTERNAL);
    job.forget();
    job.encode({2, 64, 64}, 3);
    expectCode("after it", job.code(), LC_OK);
  });
}

void memoryFaults(Scenarios& scenarios, Bench& bench) {
  Host small;
  small.limit = 1024;
  scenarios.run("no budget for the weights", scenarios.cuda(), Scenarios::trt(), small, [&](Host& host) {
    Job job(bench, host);
    job.open(bench.build({}).plan);
    expectCode("weights", job.code(), LC_OUT_OF_MEMORY);
    check(job.error().bytes_asked == 4096 && job.error().bytes_free == 1024, "asked %llu, free %llu",
          static_cast<unsigned long long>(job.error().bytes_asked),
          static_cast<unsigned long long>(job.error().bytes_free));
  });
  // The budget would grant it; where the driver would spill to host memory, only we can refuse.
  lc_fake_cuda_options full = scenarios.cuda();
  full.capacity = 2 * kMebibyte;
  scenarios.run("a device that has less than the budget", full, Scenarios::trt(), Host(), [&](Host& host) {
    BuildRequest request;
    request.height = request.width = 1024;
    request.minimum = {1, 1024, 1024};
    request.maximum = {1, 1024, 1024};
    Job job(bench, host);
    job.open(bench.build(request).plan);
    job.encode({1, 1024, 1024}, 1);
    expectCode("full device", job.code(), LC_OUT_OF_MEMORY);
    check(job.error().bytes_asked > job.error().bytes_free, "more was asked than is free");
  });

  const auto whole = [&](Host& host) {
    const BuildResult built = bench.build({});
    if (built.code != LC_OK) return built.code;
    Job job(bench, host);
    if (job.open(built.plan)) job.encode({4, 64, 64}, 3);
    return job.code();
  };
  for (int k = 1;; ++k) {
    lc_fake_cuda_options cuda = scenarios.cuda();
    cuda.fail_malloc_at = k;
    bool reached = false;
    scenarios.run("allocation " + std::to_string(k), cuda, Scenarios::trt(), Host(), [&](Host& host) {
      const lc_code code = whole(host);
      lc_fake_cuda_state state{};
      bench.doubles.cudaQuery(&state);
      reached = state.mallocs >= k;
      // a builder goes on with another tactic
      check(code == LC_OUT_OF_MEMORY || code == LC_OK, "allocation %d: code %d", k, code);
      if (reached) expectCode("the same afterwards", whole(host), LC_OK);
    });
    if (!reached) break;
  }
  for (int k = 1;; ++k) {
    Host host;
    host.refuseAt = k;
    bool reached = false;
    scenarios.run("request " + std::to_string(k), scenarios.cuda(), Scenarios::trt(), host,
                  [&](Host& refusing) {
                    const lc_code code = whole(refusing);
                    reached = refusing.requests >= k;
                    expectCode("a refused request", code, reached ? LC_OUT_OF_MEMORY : LC_OK);
                    if (reached) expectCode("the same afterwards", whole(refusing), LC_OK);
                  });
    if (!reached) break;
  }
}

void lostDevices(Scenarios& scenarios, Bench& bench) {
  for (int k = 1;; ++k) {
    lc_fake_cuda_options cuda = scenarios.cuda();
    cuda.lose_at = k;
    bool reached = false;
    scenarios.run("lost at call " + std::to_string(k), cuda, Scenarios::trt(), Host(), [&](Host& host) {
      lc_code code = LC_OK;
      {
        const BuildResult built = bench.build({});
        code = built.code;
        if (code == LC_OK) {
          Job job(bench, host);
          if (job.open(built.plan)) job.encode({4, 64, 64}, 3);
          code = job.code();
        }
      }
      lc_fake_cuda_state state{};
      bench.doubles.cudaQuery(&state);
      reached = state.calls >= k;
      // closing may be what loses it: then everything had been answered
      check(code == LC_DEVICE_LOST || code == LC_OK, "lost at call %d: code %d", k, code);
    });
    if (!reached) break;
  }
}

}  // namespace

int main(int, char** arguments) {
  const std::string cudaFolder = arguments[2];
  const std::string trtFolder = arguments[3];
  void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const lc_backend& backend = *symbol<const lc_backend*()>(plugin, LC_BACKEND_SYMBOL)();
  const char* folders[] = {cudaFolder.c_str(), trtFolder.c_str()};
  const lc_options options{sizeof options, folders, 2};
  lc_context* context = nullptr;
  lc_error error = Bench::empty();
  if (backend.context_open(&options, &context, &error) != LC_OK) {
    std::fprintf(stderr, "context_open: %s\n", error.message);
    return 1;
  }
  void* cudart = dlopen((cudaFolder + "/libcudart.so.13").c_str(), RTLD_NOW | RTLD_NOLOAD);
  const std::string major = std::string(backend.name).substr(std::strlen("tensorrt"));
  void* nvinfer = dlopen((trtFolder + "/libnvinfer.so." + major).c_str(), RTLD_NOW | RTLD_NOLOAD);
  const Doubles doubles{symbol<decltype(lc_fake_cuda_reset)>(cudart, "lc_fake_cuda_reset"),
                        symbol<decltype(lc_fake_cuda_defaults)>(cudart, "lc_fake_cuda_defaults"),
                        symbol<decltype(lc_fake_cuda_query)>(cudart, "lc_fake_cuda_query"),
                        symbol<decltype(lc_fake_trt_reset)>(nvinfer, "lc_fake_trt_reset"),
                        symbol<decltype(lc_fake_trt_query)>(nvinfer, "lc_fake_trt_query")};
  Bench bench(backend, doubles, context);
  Scenarios scenarios(bench);
  builds(scenarios, bench);
  runs(scenarios, bench);
  memoryFaults(scenarios, bench);
  lostDevices(scenarios, bench);
  backend.context_close(context);
  std::printf("%s: %d scenarios\n", backend.name, scenarios.count());
  return lc::test::report();
}
