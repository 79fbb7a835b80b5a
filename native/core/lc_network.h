/*
 * An encoder as a list of layers with the values of its tensors, for the back-ends that run layers
 * themselves. The list is that of src/model/layers.ts, which says what each kind computes.
 *
 * Everything that a struct points to must stay until the call that takes it has returned. Weights are in
 * PyTorch's order, float32.
 */
#ifndef LC_NETWORK_H
#define LC_NETWORK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What convolutions and matrix products multiply; sums, norms and softmax are float32 in each. */
typedef uint32_t lc_precision;
enum {
  LC_FP32 = 0,
  LC_BF16 = 1,
  LC_BF16X3 = 2 /* each float32 is taken as the sum of three bfloat16 */
};

/* weight NULL: there is none. */
typedef struct lc_conv {
  const float* weight; /* (outputs, inputs, kernel, kernel) */
  const float* bias;   /* (outputs); NULL: none */
  uint32_t inputs;
  uint32_t outputs;
  uint32_t kernel; /* 1 or 3 */
  uint32_t stride; /* 1 or 2 */
  /* Zeros at the top, left, bottom, right. */
  uint32_t padding[4];
} lc_conv;

typedef uint32_t lc_norm_kind;
enum {
  LC_NORM_GROUP = 0, /* of groups of channels over the whole map, as torch.nn.GroupNorm */
  /* Each pixel by itself, over its channels: x / max(|x|, epsilon) * sqrt(channels) * weight. It has no bias
     and no groups. */
  LC_NORM_RMS = 1
};

typedef struct lc_norm {
  lc_norm_kind kind;
  uint32_t channels;
  const float* weight; /* (channels) */
  const float* bias;   /* (channels) */
  uint32_t groups;
  double epsilon;
} lc_norm;

typedef uint32_t lc_layer_kind;
enum {
  LC_LAYER_CONV = 0,       /* convs[0] */
  LC_LAYER_DOWNSAMPLE = 1, /* convs[0] */
  LC_LAYER_NORM_SILU = 2,  /* norms[0] */
  LC_LAYER_RESIDUAL = 3,   /* norms[0], convs[0], norms[1], convs[1], and convs[2]: the shortcut, or none */
  LC_LAYER_ATTENTION = 4,  /* norms[0], convs: query, key, value, output; scale */
  /* convs[0], whose outputs divide its inputs: 2 x 2 pixels of (its result + the mean of the inputs' groups
     of consecutive channels) become one of 4 times the channels: row, column, channel */
  LC_LAYER_SPACE_TO_DEPTH = 5,
  /* norms[0], convs[0]: its result for silu(norm) + scale * the mean of the inputs' groups of consecutive
     channels */
  LC_LAYER_NORM_CONV_MEAN = 6,
  LC_LAYER_RELU_BLOCK =
      7 /* convs[0] to [2], a ReLU behind each; the block's input is added before the last */
};

typedef struct lc_layer {
  lc_layer_kind kind;
  lc_norm norms[2];
  lc_conv convs[4];
  double scale;
} lc_layer;

/* What the first layer takes a pixel of 0 ... 255 for. Convolutions pad with 0 in this range. */
typedef uint32_t lc_pixel_range;
enum {
  LC_PIXELS_SIGNED = 0, /* -1 ... 1 */
  LC_PIXELS_UNIT = 1    /* 0 ... 1 */
};

/* From pixels to the moments: the last layer is a conv or a norm-conv-mean. */
typedef struct lc_network {
  uint32_t size;
  lc_precision precision;
  lc_pixel_range range;
  const lc_layer* layers;
  uint32_t layer_count;
} lc_network;

#ifdef __cplusplus
}
#endif

#endif
