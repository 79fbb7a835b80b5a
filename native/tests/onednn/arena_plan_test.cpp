// Random lifetimes and sizes: whatever is alive at the same time lies apart.
#include "onednn/arena_plan.h"

#include <algorithm>
#include <random>

#include "check.h"
#include "plugin/failure.h"

using namespace lc::test;
using lc::onednn::ArenaPlan;

namespace {

struct Value {
  std::uint64_t bytes;
  ArenaPlan::Lifetime lifetime;
  std::uint32_t number;
};

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + LC_ALIGNMENT - 1) / LC_ALIGNMENT * LC_ALIGNMENT;
}

bool meet(const Value& a, const Value& b) {
  return a.lifetime.first <= b.lifetime.last && b.lifetime.first <= a.lifetime.last;
}

bool shareBytes(const ArenaPlan& plan, const Value& a, const Value& b) {
  return plan.offset(a.number) < plan.offset(b.number) + b.bytes &&
         plan.offset(b.number) < plan.offset(a.number) + a.bytes;
}

// What the fullest step needs: no plan has less.
std::uint64_t fullestStep(const std::vector<Value>& values, std::uint32_t steps) {
  std::uint64_t most = 0;
  for (std::uint32_t step = 0; step < steps; ++step) {
    std::uint64_t bytes = 0;
    for (const Value& value : values) {
      if (value.lifetime.first <= step && step <= value.lifetime.last) bytes += value.bytes;
    }
    most = std::max(most, bytes);
  }
  return most;
}

std::uint32_t below(std::uint32_t end, std::mt19937& random) {
  return static_cast<std::uint32_t>(random() % end);
}

void checkRandomPlan(std::mt19937& random) {
  constexpr std::uint32_t kSteps = 12;
  constexpr std::uint64_t kSizes[] = {0, 1, 511, 512, 513, 4096, 70'000, std::uint64_t{5} << 30};
  ArenaPlan plan;
  std::vector<Value> values(1 + below(40, random));
  std::uint64_t sum = 0;
  for (Value& value : values) {
    const std::uint32_t first = below(kSteps, random);
    value.bytes = kSizes[below(std::size(kSizes), random)];
    value.lifetime = {first, first + below(kSteps - first, random)};
    value.number = plan.add(value.bytes, value.lifetime);
    sum += aligned(value.bytes);
  }
  plan.place();
  check(plan.bytes() <= sum, "a plan is never worse than all values behind each other");
  check(plan.bytes() >= fullestStep(values, kSteps), "a plan has room for its fullest step");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& value = values[i];
    check(plan.offset(value.number) % LC_ALIGNMENT == 0, "value %zu is aligned", i);
    check(plan.offset(value.number) + value.bytes <= plan.bytes(), "value %zu lies within the arena", i);
    for (std::size_t j = 0; j < i; ++j) {
      check(!meet(value, values[j]) || !shareBytes(plan, value, values[j]), "values %zu and %zu lie apart", i,
            j);
    }
  }
}

void checkSharing() {
  ArenaPlan plan;
  plan.add(1000, {0, 1});
  plan.add(3000, {2, 3});
  plan.add(2000, {4, 4});
  plan.place();
  check(plan.bytes() == aligned(3000), "values of different times share memory");
}

void checkBorders() {
  ArenaPlan plan;
  const std::uint32_t written = plan.add(1000, {0, 1});
  const std::uint32_t read = plan.add(1000, {1, 2});
  plan.place();
  check(plan.offset(written) != plan.offset(read), "the last step of a lifetime belongs to it");
}

lc_code codeOfAdding(ArenaPlan& plan, std::uint64_t bytes) {
  try {
    plan.add(bytes, {0, 0});
    return LC_OK;
  } catch (const lc::plugin::Failure& failure) {
    return failure.code();
  }
}

void checkOverflow() {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 62;
  ArenaPlan plan;
  check(codeOfAdding(plan, UINT64_MAX) == LC_SHAPE, "a size that cannot be rounded up is LC_SHAPE");
  check(codeOfAdding(plan, kHalf) == LC_OK, "half of what can be counted");
  check(codeOfAdding(plan, kHalf) == LC_SHAPE, "a sum that cannot be counted is LC_SHAPE");
}

}  // namespace

int main() {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) checkRandomPlan(random);
  checkSharing();
  checkBorders();
  checkOverflow();
  return report();
}
