/*
 * The one interface between latent_cache.node and the libraries that run encoders ("plug-ins": TensorRT 10,
 * TensorRT 11, ...). Plain C: no exception, no C++ type and no type of NVIDIA's crosses it. Each side gives
 * its structs their size, so that a field can be added at the end.
 *
 * A plug-in exports one symbol, LC_BACKEND_SYMBOL. Its table must have exactly LC_INTERFACE_VERSION.
 *
 * Who owns what
 *   core     the worker thread of a device, the queue, the byte budget, the arena (activations, device inputs
 * and outputs), the host staging buffers, every job. plug-in  libraries, streams, engines and their weights.
 *
 * Threads: functions of a context may be called from any thread. Those that take a device or an engine of it
 * are called by one thread at a time, the device's worker, from device_open to device_close.
 *
 * Errors: every function that can fail returns an lc_code and, unless it is LC_OK, fills `error`. A failed
 * call leaves nothing behind. After LC_DEVICE_LOST only the *_close functions are called; they must not touch
 * the device.
 */
#ifndef LC_BACKEND_H
#define LC_BACKEND_H

#include <stdint.h>

#include "core/lc_network.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LC_INTERFACE_VERSION 3u
#define LC_BACKEND_SYMBOL "lc_backend_table"

typedef int32_t lc_code;
enum {
  LC_OK = 0,
  LC_INVALID = 1,         /* an argument that the caller should not have given */
  LC_CUDA_MISSING = 2,    /* no CUDA runtime library */
  LC_CUDA_DRIVER = 3,     /* no driver, or one too old for the runtime library */
  LC_NO_DEVICE = 4,       /* no such device */
  LC_LIBRARY_MISSING = 5, /* the back-end's own library was not found or does not load */
  LC_LIBRARY_TOO_OLD = 6, /* it is older than what the plug-in was compiled for */
  LC_LIBRARY_MAJOR = 7,   /* it is of another major version */
  LC_OUT_OF_MEMORY = 8,   /* device memory or the byte budget; bytes_asked and bytes_free are set */
  LC_HOST_MEMORY = 9,     /* memory of this process */
  LC_DEVICE_LOST = 10,    /* the device is unusable for the rest of this process */
  LC_ENGINE_INVALID = 11, /* a plan that does not load here: another device, version, or damaged */
  LC_SHAPE = 12,          /* an engine that does not take this shape */
  LC_BUILD_FAILED = 13,   /* the network was refused or no implementation was found */
  LC_CANCELLED = 14,
  LC_UNSUPPORTED = 15, /* this back-end does not do that at all */
  LC_INTERNAL = 16
};

typedef struct lc_error {
  uint32_t size;
  lc_code code;
  /* LC_OUT_OF_MEMORY: the allocation that failed, and what was left to it (of the budget or of the device,
     whichever was less). */
  uint64_t bytes_asked;
  uint64_t bytes_free;
  char operation[64]; /* the call that failed: "cudaMalloc", "enqueueV3" */
  char message[960];  /* one English sentence without a full stop, ends with NUL */
} lc_error;

enum { LC_LOG_ERROR = 0, LC_LOG_WARNING = 1, LC_LOG_INFO = 2 };

/* What a device may ask of the core. Every function may be called from any thread. */
typedef struct lc_host {
  uint32_t size;
  void* self;
  /* Asks for bytes of the budget, before they are allocated. 0: refused, and *available says what is left.
     For everything that the plug-in allocates on its own; block_alloc's bytes are already granted. */
  int32_t (*reserve)(void* self, uint64_t bytes, uint64_t* available);
  /* Gives back what was reserved. */
  void (*release)(void* self, uint64_t bytes);
  void (*log)(void* self, int32_t level, const char* text);
} lc_host;

typedef struct lc_options {
  uint32_t size;
  /* Looked through before the loader's own search path. */
  const char* const* library_folders;
  uint32_t library_folder_count;
  /* How a back-end that can be set up is to be, as "key=value" words; NULL: as it is. Others ignore it. */
  const char* settings;
} lc_options;

/* Images of a batch, pixels. */
typedef struct lc_shape {
  uint32_t count;
  uint32_t height;
  uint32_t width;
} lc_shape;

/* Values that live outside of the graph that names them. Must stay until the call has returned. */
typedef struct lc_tensor {
  const char* name;
  const void* data;
  uint64_t byte_count;
} lc_tensor;

/*
 * A network with one input `pixels`, uint8 (count, height, width, 3), and one output `moments`, float32,
 * `count` rows of equal length.
 */
typedef struct lc_build {
  uint32_t size;
  uint32_t device;
  const void* graph; /* an ONNX model; initializers may be external */
  uint64_t graph_byte_count;
  const lc_tensor* tensors; /* the external ones */
  uint32_t tensor_count;
  lc_shape minimum;
  lc_shape optimum;
  lc_shape maximum;
  int32_t allow_tf32;
  int32_t optimization_level; /* 0 to 5 */
  uint64_t memory_limit;      /* bytes of device memory for the whole build */
  const void* timing_cache;   /* of an earlier build, or NULL; one that does not fit is ignored */
  uint64_t timing_cache_byte_count;
  void* self;
  /* From any thread. 0: stop. Percent are not to be had: `step` of `steps` of a phase with a name. */
  int32_t (*on_progress)(void* self, const char* phase, int32_t step, int32_t steps);
  void (*on_log)(void* self, int32_t level, const char* text);
  /* Called once each when the build has succeeded. */
  void (*on_plan)(void* self, const void* bytes, uint64_t byte_count);
  void (*on_timing_cache)(void* self, const void* bytes, uint64_t byte_count);
} lc_build;

typedef struct lc_engine_info {
  uint32_t size;
  lc_shape minimum;
  lc_shape maximum;
  uint64_t weight_bytes; /* device memory that it holds while it is open, as far as the plug-in knows */
} lc_engine_info;

/* Exact bytes of one run. Addresses are to be aligned to LC_ALIGNMENT. */
typedef struct lc_run_memory {
  uint32_t size;
  uint64_t activation_bytes; /* in use from submit until finish of that slot; shared by all slots */
  uint64_t input_bytes;      /* of one slot */
  uint64_t output_bytes;     /* of one slot */
} lc_run_memory;

#define LC_ALIGNMENT 512u

typedef struct lc_run {
  uint32_t size;
  lc_shape shape;
  uint32_t slot; /* 0 ... slots - 1; it is free: finished, or never used */
  void* activations;
  uint64_t activation_bytes;
  void* device_input;
  void* device_output;
  const void* host_input; /* staging, filled by the core */
  void* host_output;      /* staging, read by the core after finish */
} lc_run;

/* How a device is opened. */
typedef struct lc_device_options {
  uint32_t size;
  uint32_t device;
  uint32_t slots; /* runs that may be in flight */
  /* For back-ends that compute on the CPU: threads of one run, at least 1, and the processors that they are
     bound to (none: those of the process). */
  uint32_t threads;
  const uint32_t* processors;
  uint32_t processor_count;
} lc_device_options;

typedef struct lc_context lc_context; /* loaded libraries */
typedef struct lc_device lc_device;   /* a device in use: streams, events */
typedef struct lc_engine lc_engine;   /* a network with weights on a device */

typedef struct lc_backend {
  uint32_t size;
  uint32_t interface_version; /* second in every version of this struct */
  const char* name;           /* "tensorrt10" */
  /* Of several back-ends that open, the highest is taken. */
  uint32_t priority;

  lc_code (*context_open)(const lc_options* options, lc_context** context, lc_error* error);
  void (*context_close)(lc_context* context);
  /* Libraries and versions, for bug reports and cache keys: "TensorRT 10.14.1, CUDA runtime 13.0". Stays
     valid as long as the context. */
  const char* (*context_runtime)(const lc_context* context);
  /* What engine_open_network computes in on this machine, the fastest first; returns how many. NULL when it
     takes plans only. */
  uint32_t (*context_precisions)(const lc_context* context, const lc_precision** precisions);

  /* Bytes of the whole device, other processes included. */
  lc_code (*memory_info)(lc_context* context, uint32_t device, uint64_t* free_bytes, uint64_t* total_bytes,
                         lc_error* error);
  /* Runs to its end on the calling thread; `build` must stay until then. */
  lc_code (*build)(lc_context* context, const lc_build* build, lc_error* error);

  /* `host` must outlive the device, `options` only the call. */
  lc_code (*device_open)(lc_context* context, const lc_device_options* options, const lc_host* host,
                         lc_device** opened, lc_error* error);
  /* Every engine of it is closed already. */
  void (*device_close)(lc_device* device);
  /* Memory for the arena; the core has reserved it. LC_OUT_OF_MEMORY also when the device has less free than
     that: some systems would move to host memory instead of failing. */
  lc_code (*block_alloc)(lc_device* device, uint64_t bytes, void** block, lc_error* error);
  void (*block_free)(lc_device* device, void* block);
  /* Staging memory of the host, page-locked where possible. */
  lc_code (*staging_alloc)(lc_device* device, uint64_t bytes, void** block, lc_error* error);
  void (*staging_free)(lc_device* device, void* block);

  /* `plan` may go as soon as the call returns. */
  lc_code (*engine_open)(lc_device* device, const void* plan, uint64_t byte_count, lc_engine** engine,
                         lc_error* error);
  /* Instead of a plan: layers, run as they are. LC_UNSUPPORTED: the precision, or a kind of layer. NULL when
     the back-end takes plans only. */
  lc_code (*engine_open_network)(lc_device* device, const lc_network* network, lc_engine** engine,
                                 lc_error* error);
  /* Nothing of it is in flight. */
  void (*engine_close)(lc_engine* engine);
  lc_code (*engine_info)(lc_engine* engine, lc_engine_info* info, lc_error* error);
  /* LC_SHAPE when the engine does not take it. Runs nothing. */
  lc_code (*engine_memory)(lc_engine* engine, const lc_shape* shape, lc_run_memory* memory, lc_error* error);

  /* Copies in, computes, copies out; returns when that is queued. Later submits may overlap their copies with
     it, and never use the activations at the same time. After an error the slot is free. */
  lc_code (*submit)(lc_engine* engine, const lc_run* run, lc_error* error);
  /* Waits for a slot; host_output holds the result after LC_OK. The slot is free in any case. */
  lc_code (*finish)(lc_device* device, uint32_t slot, lc_error* error);
} lc_backend;

/* The exported symbol. */
typedef const lc_backend* (*lc_backend_table_function)(void);

#ifdef __cplusplus
}
#endif

#endif
