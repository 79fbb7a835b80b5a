// How fast oneDNN itself multiplies on this machine: what the encoder's speed is measured against.
//
//   lc_onednn_peak THREADS
//
// Prints one line of JSON: GFLOP/s, a multiply-add counted as 2, of a matrix product and of a 3x3
// convolution, in float32 and (where the processor has it) bfloat16, on one thread and on THREADS. Every
// thread works on pieces of its own with weights that all share, as in the encoder.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "onednn/precisions.h"
#include "onednn/primitives.h"
#include "onednn/thread_pool.h"

namespace {

using lc::onednn::Convolution;
using lc::onednn::Operand;
using lc::onednn::Product;
using lc::onednn::ThreadPool;
using lc::onednn::Workspace;

constexpr Product::Shape kProduct{.rows = 768, .inner = 3072, .columns = 3072};
// A tile of the encoder's widest maps; with its halo it stays in a core's second-level cache.
constexpr Convolution::Shape kConvolution{.algorithm = Convolution::Algorithm::kDirect,
                                          .inputs = 128,
                                          .outputs = 128,
                                          .kernel = 3,
                                          .stride = 1,
                                          .height = 16,
                                          .width = 64};
constexpr double kSeconds = 0.15;
// Many short ones: other programs spoil only some.
constexpr int kRounds = 8;

// Of float32 or bfloat16, none of them zero or so small that arithmetic would slow down.
class Values {
 public:
  Values(std::size_t bytes, Operand operand) : words_(bytes / sizeof(std::uint32_t) + 1) {
    constexpr std::uint32_t kOneAndAHalf = 0x3FC00000;
    constexpr std::uint32_t kTwiceInBfloat16 = 0x3FC03FC0;
    std::ranges::fill(words_, operand == Operand::kFloat32 ? kOneAndAHalf : kTwiceInBfloat16);
  }
  void* data() { return words_.data(); }

 private:
  std::vector<std::uint32_t> words_;
};

// What a thread has to itself.
struct Buffers {
  Values source;
  Values target;
  Values scratch;
  dnnl::stream stream;
};

// Time on the clock, or of all processors together.
struct Seconds {
  double wall;
  double processors;
};

Seconds now() {
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(), static_cast<double>(std::clock()) / CLOCKS_PER_SEC};
}

// {"wall": GFLOP/s on all threads of the pool, "cpu": GFLOP for each second of a processor}, best of the
// rounds.
template <typename Primitive>
std::string measure(ThreadPool& pool, const dnnl::engine& engine, const Primitive& primitive, Operand operand,
                    std::size_t sourceValues, std::size_t targetValues, std::size_t outputs,
                    double operations) {
  std::vector<Buffers> buffers;
  for (std::uint32_t thread = 0; thread < pool.threads(); ++thread) {
    buffers.push_back({{sourceValues * lc::onednn::operandBytes(operand), operand},
                       {targetValues * sizeof(float), Operand::kFloat32},
                       {primitive.scratchBytes(), Operand::kFloat32},
                       dnnl::stream(engine)});
  }
  Values weights(primitive.weights().get_size(), operand);
  std::vector<float> bias(outputs, 1.0F);
  const auto seconds = [&](std::size_t piecesOfEach) {
    const Seconds start = now();
    pool.run(pool.threads() * piecesOfEach, [&](std::size_t, std::uint32_t thread) {
      Buffers& own = buffers[thread];
      primitive.run(Workspace{own.stream, own.scratch.data()}, own.source.data(), weights.data(), bias.data(),
                    static_cast<float*>(own.target.data()));
    });
    const Seconds end = now();
    return Seconds{end.wall - start.wall, end.processors - start.processors};
  };
  seconds(1);
  const auto pieces = static_cast<std::size_t>(std::max(1.0, kSeconds / seconds(1).wall));
  Seconds best = seconds(pieces);
  for (int round = 1; round < kRounds; ++round) {
    const Seconds other = seconds(pieces);
    best = {std::min(best.wall, other.wall), std::min(best.processors, other.processors)};
  }
  const double work = static_cast<double>(pool.threads() * pieces) * operations / 1e9;
  return "{\"wall\":" + std::to_string(work / best.wall) +
         ",\"cpu\":" + std::to_string(work / best.processors) + "}";
}

std::string productRate(ThreadPool& pool, const dnnl::engine& engine, Operand operand) {
  const auto& [rows, inner, columns] = kProduct;
  const Product product(engine, operand, kProduct, Product::Kind::kPlain);
  return measure(pool, engine, product, operand, std::size_t{rows} * inner, std::size_t{rows} * columns,
                 columns, 2.0 * rows * inner * columns);
}

std::string convolutionRate(ThreadPool& pool, const dnnl::engine& engine, Operand operand) {
  const auto& [algorithm, inputs, outputs, kernel, stride, height, width] = kConvolution;
  const Convolution convolution(engine, operand, kConvolution);
  const std::size_t pixels = std::size_t{height} * width;
  const std::size_t sourcePixels = std::size_t{height + kernel - 1} * (width + kernel - 1);
  return measure(pool, engine, convolution, operand, sourcePixels * inputs, pixels * outputs, outputs,
                 2.0 * static_cast<double>(pixels) * kernel * kernel * inputs * outputs);
}

// {"product": …, "convolution": …}
std::string rates(std::uint32_t threads, Operand operand) {
  // The pool takes the calling thread along.
  ThreadPool pool(threads, {});
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return "{\"product\":" + productRate(pool, engine, operand) +
         ",\"convolution\":" + convolutionRate(pool, engine, operand) + "}";
}

bool hasBfloat16() {
  return std::ranges::any_of(lc::onednn::precisions(), [](lc_precision one) { return one == LC_BF16; });
}

}  // namespace

int main(int argc, char** argv) {
  const long threads = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: lc_onednn_peak THREADS\n");
    return 2;
  }
  try {
    std::string line = "{\"library\":\"" + std::string(lc::onednn::libraryVersion()) +
                       "\",\"instructionSet\":\"" + lc::onednn::instructionSet() +
                       "\",\"threads\":" + std::to_string(threads);
    const auto add = [&](const char* name, Operand operand) {
      line += ",\"" + std::string(name) + "\":{\"one\":" + rates(1, operand) +
              ",\"all\":" + rates(static_cast<std::uint32_t>(threads), operand) + "}";
    };
    add("float32", Operand::kFloat32);
    if (hasBfloat16()) add("bfloat16", Operand::kBfloat16);
    std::printf("%s}\n", line.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
