// Every other function of our table, so that it is complete: success, and nothing done.
#include "cuda/runtime.h"

#define LC_STAND_IN(name, result, parameters) \
  extern "C" [[gnu::weak]] result name parameters { return {}; }
LC_CUDA_FUNCTIONS(LC_STAND_IN)
