// What happens to a process that opens a broken library.
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace {

[[gnu::constructor]] void spring() {
#if defined(LC_TRAP_CRASH)
  std::raise(SIGSEGV);
#elif defined(LC_TRAP_HANG)
  for (;;) ::pause();
#elif defined(LC_TRAP_EXIT)
  ::_exit(0);
#elif defined(LC_TRAP_RUBBISH)
  std::puts("{\"kind\":\"answer\"} \x1b[31m\xff\xfe rubbish");
  std::fflush(stdout);
#endif
}

}  // namespace
