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
  int64_t lose_at;        /* the device is lost in the n-th call of any kind */
  int64_t lose_at_launch; /* or while the n-th kernel runs */
  int32_t fail_host_alloc;
  int32_t spills; /* more than the capacity is granted, as WDDM does with host memory */
} lc_fake_cuda_options;

typedef struct lc_fake_cuda_state {
  uint64_t live_bytes; /* of all devices */
  uint64_t host_bytes;
  uint64_t streams;
  uint64_t events;
  uint64_t pending; /* copies, kernels, records and waits that are still queued */
  int64_t mallocs;  /* since the last reset */
  int64_t calls;
  int64_t launches;
  int64_t calls_after_loss; /* made although an earlier one had said that the device is lost */
  int64_t misuse;           /* unknown pointers, double frees, copies outside of live memory */
} lc_fake_cuda_state;

/* Frees what a lost device left and starts anew. No stream may be in use by anybody. */
void lc_fake_cuda_reset(const lc_fake_cuda_options* options);
/* The values that a load without LC_FAKE_CUDA starts with. */
void lc_fake_cuda_defaults(lc_fake_cuda_options* options);
void lc_fake_cuda_query(lc_fake_cuda_state* state);
uint64_t lc_fake_cuda_device_bytes(int32_t device);
/* The n-th call from now answers cudaErrorUnknown, once; those that free or destroy do not count. 0: none.
   Returns whether an earlier request is still to come. */
int lc_fake_cuda_fail_in(int64_t calls);

/* For the fake TensorRT. Queues a function like a kernel; returns a CUDA code. */
int lc_fake_cuda_launch(struct CUstream_st* stream, void (*function)(void*), void* argument);
/* Whether all of it lies in one live block. */
int lc_fake_cuda_is_live(const void* memory, uint64_t bytes);
int lc_fake_cuda_is_lost(void);
/* Whether a call has already said so. */
int lc_fake_cuda_loss_is_known(void);

#ifdef __cplusplus
}
#endif

#endif
