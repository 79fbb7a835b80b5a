// A plug-in of an interface version to come. Of its table only the first two fields exist.
#include <cstdint>

#include "core/lc_backend.h"

namespace {

const std::uint32_t table[2] = {8, LC_INTERFACE_VERSION + 1};

}  // namespace

extern "C" __attribute__((visibility("default"))) const lc_backend* lc_backend_table() {
  return reinterpret_cast<const lc_backend*>(table);
}
