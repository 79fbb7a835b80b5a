/*
 * libcudart without a GPU: "device" memory is host memory, every stream is a thread, and copies run late, so
 * that a wait that was forgotten shows in the results or under the thread sanitizer. What this header
 * declares is for tests.
 */
#ifndef LC_FAKE_CUDA_H
#define LC_FAKE_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;

typedef struct lc_fake_cuda_options {
  uint64_t capacity; /* bytes of each device */
  int32_t devices;
  int32_t driver_version;  /* 0: no driver */
  int32_t runtime_version; /* a driver older than this is refused */
  int32_t copy_us;         /* how late a copy runs */
  /* From 1; 0: never. */
  int64_t fail_malloc_at;
  int64_t lose_at; /* the device is lost in the n-th call of any kind */
  int32_t fail_host_alloc;
} lc_fake_cuda_options;

typedef struct lc_fake_cuda_state {
  uint64_t live_bytes;
  uint64_t host_bytes;
  uint64_t streams;
  uint64_t events;
  int64_t mallocs; /* since the last reset */
  int64_t calls;
  int64_t misuse; /* unknown pointers, double frees, copies outside of live memory */
} lc_fake_cuda_state;

/* Frees what a lost device left and starts anew. No stream may be in use by anybody. */
void lc_fake_cuda_reset(const lc_fake_cuda_options* options);
/* The values that a load without LC_FAKE_CUDA starts with. */
void lc_fake_cuda_defaults(lc_fake_cuda_options* options);
void lc_fake_cuda_query(lc_fake_cuda_state* state);

/* For the fake TensorRT. Queues a function like a kernel; returns a CUDA code. */
int lc_fake_cuda_launch(struct CUstream_st* stream, void (*function)(void*), void* argument);
/* Whether all of it lies in one live block. */
int lc_fake_cuda_is_live(const void* memory, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
