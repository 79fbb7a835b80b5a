/* TensorRT without a GPU; for tests. The libraries export these beside TensorRT's own entry points. */
#ifndef LC_FAKE_TENSORRT_H
#define LC_FAKE_TENSORRT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lc_fake_trt_options {
  int32_t version;      /* what getInferLibVersion answers; 0: the headers' own */
  int32_t parser_fails; /* 1: refuses the model */
  int32_t build_fails;
  int32_t build_ms;         /* of each of the five steps */
  int32_t run_us;           /* of one run */
  int32_t enqueue_fails_at; /* from 1; 0: never */
} lc_fake_trt_options;

void lc_fake_trt_reset(const lc_fake_trt_options* options);
/* Objects that are alive; `misuse` counts broken rules: wrong order of destruction, two runs on one block,
   memory that is not there. */
void lc_fake_trt_query(int64_t* objects, int64_t* misuse);

#ifdef __cplusplus
}
#endif

#endif
