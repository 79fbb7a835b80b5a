// ctest runs this with LATENT_CACHE_ISA set to the one argument, or unset without one.
#include "onednn_kernels.h"

int main(int argc, char** argv) {
  using namespace lc::test;
  // The best set not above the cap; the sets ascend.
  const Kernels* expected = nullptr;
  for (const Kernels* const set : kernelSets()) {
    expected = set;
    if (argc > 1 && std::strcmp(set->name, argv[1]) == 0) break;
  }
  check(&lc::onednn::kernels() == expected, "instruction set is %s, not %s", lc::onednn::kernels().name,
        expected->name);
  check(lc::onednn::kernelsNamed("sse9") == nullptr, "no set has an unknown name");
  return report();
}
