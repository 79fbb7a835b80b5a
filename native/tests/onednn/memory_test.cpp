// The budget and the memory of runs: nothing beyond it is touched, nothing is left, and each refusal is told.
#include <limits>

#include "check.h"
#include "onednn/random_encoder.h"
#include "onednn/session.h"

using namespace lc::test;

namespace {

// What lies beyond a block ends the process; the other tests run at the back of theirs.
void checkFrontEdges(const RandomEncoder& encoder) {
  for (const lc_precision precision : precisionsHere()) {
    BudgetHost host;
    Session session(host, 2);
    check(session.open(encoder.network(precision)) == LC_OK, "the network opens: %s",
          session.error().message);
    for (const lc_shape& shape : {lc_shape{1, 8, 8}, lc_shape{2, 34, 66}}) {
      const std::vector<float> moments =
          session.run(shape, noise(shape.count, shape.height, shape.width), {Edge::kFront, 0xFF});
      check(!moments.empty(), "a run at the front of its memory ends");
    }
  }
}

void checkRunMemory(const RandomEncoder& encoder) {
  BudgetHost host;
  Session session(host, 2);
  check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
  lc_run_memory memory;
  check(session.memoryFor({3, 10, 14}, memory) == LC_OK, "the shape is taken: %s", session.error().message);
  check(memory.input_bytes == 3 * 10 * 14 * 3, "the input is 8 bits of 3 colours");
  check(memory.output_bytes == 3 * 5 * 7 * 8 * 4, "the output is float32 of 8 channels at half the sides");
  check(memory.activation_bytes % LC_ALIGNMENT == 0, "the activations are a multiple of the alignment");
}

void checkTooFewActivations(const RandomEncoder& encoder) {
  BudgetHost host;
  Session session(host, 1);
  check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
  lc_run_memory memory;
  check(session.memoryFor({1, 8, 8}, memory) == LC_OK, "the shape is taken: %s", session.error().message);
  check(session.submit({1, 8, 8}, memory.activation_bytes - 1) == LC_INVALID, "a byte too few is LC_INVALID");
}

void checkBudgetAfterwards(const RandomEncoder& encoder) {
  BudgetHost host;
  {
    Session session(host, 2);
    check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
    check(host.reserved() > 0, "weights are in the budget");
    check(session.info().weight_bytes == host.reserved(), "an engine says how much of the budget it holds");
    session.run({1, 8, 8}, noise(1, 8, 8));
  }
  check(host.reserved() == 0, "%llu bytes of the budget are left",
        static_cast<unsigned long long>(host.reserved()));
  check(host.isBalanced(), "no more was released than reserved");
}

void checkRefusal(const RandomEncoder& encoder, BudgetHost& host, const char* when) {
  Session session(host, 1);
  check(session.open(encoder.network(LC_FP32)) == LC_OUT_OF_MEMORY, "%s: LC_OUT_OF_MEMORY", when);
  check(session.error().code == LC_OUT_OF_MEMORY, "%s: the error has the code", when);
  check(session.error().bytes_asked > 0, "%s: the error says what was asked", when);
  check(host.reserved() == 0, "%s: nothing is left", when);
}

void checkRefusals(const RandomEncoder& encoder) {
  BudgetHost counting;
  {
    Session session(counting, 1);
    check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
  }
  check(counting.reserves() > 0, "something is reserved");
  for (std::uint32_t number = 1; number <= counting.reserves(); ++number) {
    BudgetHost host;
    host.refuse(number);
    checkRefusal(encoder, host, "a refused reserve");
  }
  BudgetHost small(1000);
  checkRefusal(encoder, small, "a small budget");
}

void checkWhatIsLeft(const RandomEncoder& encoder) {
  BudgetHost host(1000);
  Session session(host, 1);
  session.open(encoder.network(LC_FP32));
  check(session.error().bytes_free == 1000, "the error says what the budget has left");
}

void checkBlocks() {
  BudgetHost host;
  Session session(host, 1);
  const lc_backend& backend = cpuBackend();
  lc_error error{};
  error.size = sizeof error;
  void* block = nullptr;
  check(backend.block_alloc(session.device(), 1 << 20, &block, &error) == LC_OK, "a block: %s",
        error.message);
  check(reinterpret_cast<std::uintptr_t>(block) % LC_ALIGNMENT == 0, "blocks are aligned");
  backend.block_free(session.device(), block);
  check(host.reserves() == 0, "the core has reserved blocks already");

  constexpr std::uint64_t kMuch = std::uint64_t{1} << 60;
  check(backend.block_alloc(session.device(), kMuch, &block, &error) == LC_OUT_OF_MEMORY,
        "more than the machine has is LC_OUT_OF_MEMORY");
  check(error.bytes_asked == kMuch, "the error says what was asked");
  check(error.bytes_free > 0 && error.bytes_free < kMuch, "the error says what the machine has");
}

void checkManyShapes(const RandomEncoder& encoder) {
  BudgetHost host;
  Session session(host, 1);
  check(session.open(encoder.network(LC_FP32)) == LC_OK, "the network opens: %s", session.error().message);
  const std::uint64_t before = host.reserved();
  const std::vector<float> first = session.run({1, 2, 2}, noise(1, 2, 2));
  // More than there are plans kept.
  for (std::uint32_t width = 2; width <= 100; width += 2) session.run({1, 2, width}, noise(1, 2, width));
  check(host.reserved() == before, "shapes take nothing of the budget");
  check(session.run({1, 2, 2}, noise(1, 2, 2)) == first, "a shape that was forgotten runs again");
}

}  // namespace

int main() {
  const RandomEncoder encoder = klEncoder({16, 32}, 8);
  checkFrontEdges(encoder);
  checkFrontEdges(rmsEncoder({16, 32}));
  checkFrontEdges(depthEncoder({16, 32}, 8));
  checkFrontEdges(tinyEncoder(16, 1));
  checkRunMemory(encoder);
  checkTooFewActivations(encoder);
  checkBudgetAfterwards(encoder);
  checkRefusals(encoder);
  checkWhatIsLeft(encoder);
  checkBlocks();
  checkManyShapes(encoder);
  return report();
}
