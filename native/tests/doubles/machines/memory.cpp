#include <cstddef>

extern "C" int cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = std::size_t{24} << 30;
  *free = std::size_t{20} << 30;
  return 0;
}
