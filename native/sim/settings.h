// What is simulated, read from lc_options' settings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lc::sim {

// Memory that another program holds from a simulated second on.
struct Step {
  double second;
  std::uint64_t bytes;
};

/*
 * The words, with bytes as "1000", "2MiB" or "3GiB":
 *
 *   capacity        bytes of device memory
 *   tflops          10^12 operations a second in fp16 and bf16; fp32 and tf32 have half
 *   bandwidth       10^9 bytes a second
 *   share           of tflops that kernels reach, above 0 and up to 1; default 1
 *   launch_us       microseconds that each run takes before it computes; default 0
 *   context         bytes that the first device_open takes, and that nobody gives back; default 0
 *   pace            how long a run really takes for each simulated second; default 1; 0: it does not wait
 *   others          other programs' memory, "second:bytes,second:bytes", ascending; 0 before the first
 *   others_random   "bytes:period": another program takes and gives back so much at random moments, with so
 *                   many simulated seconds between them on average
 *   seed            of others_random; default 0
 *   spill           allocations beyond the capacity succeed, up to as much again, and runs take so many times
 *                   as long while there are any; default 0: they fail
 *   leak            every so many-th release of device memory gives nothing back until the device is closed
 *   fail_alloc      the so many-th allocation fails: blocks, staging and weights in one sequence
 *   lose_at_submit  the device is lost at the so many-th submit
 *   lose_at_call    ... at the so many-th call of any function that can fail on an open device
 *   nan             1: engines in fp16 give NaN for images whose first byte is 255
 *   world           any name: contexts with the same settings see one device, others another
 *
 * The first three are required; the counts start at 1, and 0 is never.
 */
struct Settings {
  std::uint64_t capacity;
  double tflops;
  double bandwidth;
  double share;
  double launchSeconds;
  std::uint64_t context;
  double pace;
  std::vector<Step> others;
  // Without bytes: nobody comes and goes.
  std::uint64_t randomBytes;
  double randomPeriod;
  std::uint64_t seed;
  double spill;
  std::uint64_t leak;
  std::uint64_t failAlloc;
  std::uint64_t loseAtSubmit;
  std::uint64_t loseAtCall;
  bool nan;
};

// Throws Failure (LC_INVALID) naming the word that is unknown, missing or wrong.
Settings parseSettings(const std::string& text);

}  // namespace lc::sim
