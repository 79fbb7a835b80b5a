// ctest runs this with LATENT_CACHE_ISA set to the one argument, or unset without one.
#include <cstring>

#include "check.h"
#include "kernel_sets.h"
#include "pixels.h"

int main(int argc, char** argv) {
  using namespace lc::test;
  // The best set not above the cap; the sets ascend.
  const char* expected = nullptr;
  for (const lc::pixels::Kernels* const kernels : kernelSets()) {
    expected = kernels->name;
    if (argc > 1 && std::strcmp(expected, argv[1]) == 0) break;
  }
  const char* const actual = lc::pixels::instructionSet();
  check(std::strcmp(actual, expected) == 0, "instruction set is %s, not %s", actual, expected);
  return report();
}
