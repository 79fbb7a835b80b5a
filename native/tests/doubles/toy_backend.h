/*
 * A back-end on host memory, for tests: a device is a thread that does the runs in order. Compiled with
 * LC_TOY_PLANS_ONLY, it has none of the functions for networks.
 *
 * Plan: text of the form
 *   toy maxcount=8 minheight=8 maxheight=1024 minwidth=8 maxwidth=1024 channels=8 stride=8 weights=1000
 * activation=4
 *
 * Missing words have these values. `weights` is in bytes, `activation` in bytes for each pixel.
 *
 * Network, in float32 alone: `stride` is 2^(downsample layers) and divides what the engine takes, `channels`
 * and `bias` are the last convolution's, `weights` the bytes of all weights and biases.
 *
 * Output, for each image: float32 (channels, height / stride, width / stride), where
 *   value(c, y, x) = pixel(y * stride, x * stride, channel c % 3) + bias[c]
 * and the bias of a plan is c.
 *
 * The environment variable LC_TOY, read when a context or a device is opened, when something is built and
 * when memory or precisions are asked for, is a list "key=value,key=value" of
 *
 *   capacity       bytes of device memory; default 1 GiB
 *   device_free    what memory_info answers; default the capacity
 *   run_ms         how long a run computes
 *   fail_alloc     the k-th device allocation (1, 2 ...; blocks and weights) fails
 *   fail_staging   the k-th staging allocation fails
 *   fail_submit    the k-th submit fails
 *   lose_at        the k-th run loses the device
 *   fail_context   context_open answers this lc_code
 *   fail_open      device_open answers this lc_code
 *   fail_build     build answers this lc_code
 *   build_steps    progress steps of a build; default 5
 *   build_ms       how long each takes
 *   no_networks    1: no precision is named and every network is refused
 */
#ifndef LC_TOY_BACKEND_H
#define LC_TOY_BACKEND_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lc_toy_counters {
  uint64_t live_bytes; /* device and staging memory, weights */
  uint64_t live_engines;
  uint64_t live_devices;
  uint64_t runs;
  uint64_t most_in_flight; /* of one device */
  uint64_t threads;        /* of the device that was opened last */
  uint64_t last_processor; /* the last of those that it is bound to */
  uint64_t misuses;        /* breaches of lc_backend.h's rules */
  char misuse[128];        /* the last one */
} lc_toy_counters;

#define LC_TOY_COUNTERS_SYMBOL "lc_toy_read_counters"
typedef void (*lc_toy_counters_function)(lc_toy_counters* counters);

#ifdef __cplusplus
}
#endif

#endif
