/* TensorRT without a GPU; for tests. The libraries export these beside TensorRT's own entry points. */
#ifndef LC_FAKE_TENSORRT_H
#define LC_FAKE_TENSORRT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lc_fake_trt_options {
  int32_t version;      /* what getInferLibVersion answers and plans are made for; 0: the headers' own */
  int32_t parser_fails; /* 1: refuses the model */
  int32_t build_fails;
  int32_t build_ms;         /* of each of the five steps */
  int32_t run_us;           /* of one run */
  int32_t enqueue_fails_at; /* from 1; 0: never */
  int64_t pixel_bytes;      /* of activations, for each pixel of a batch */
} lc_fake_trt_options;

/* What the last build was asked for. */
typedef struct lc_fake_trt_build {
  int32_t allows_tf32;
  int32_t optimization_level;
  int32_t strongly_typed;
  int32_t resizes_activations;
  int32_t aux_streams;        /* -1: not set */
  int32_t has_profile_stream; /* one of its own */
  uint64_t tactic_memory;
  uint64_t workspace;
  int64_t optimum[4];
  uint64_t weight_bytes;
  int32_t tactics_timed; /* none when the timing cache knows the graph */
} lc_fake_trt_build;

typedef struct lc_fake_trt_state {
  int64_t objects; /* alive */
  /* Broken rules: wrong order of destruction, two runs on one block, memory that is not there, an object used
     after it has failed or destroyed after a loss. */
  int64_t misuse;
  lc_fake_trt_build last_build;
} lc_fake_trt_state;

void lc_fake_trt_reset(const lc_fake_trt_options* options);
void lc_fake_trt_query(lc_fake_trt_state* state);

#ifdef __cplusplus
}
#endif

#endif
