/**
 * Every name that --precision takes; each backend refuses those that it does not have. They name what convolutions and
 * matrix products multiply: `tf32` float32 with 10 bits of the fraction, `fp16` float16 with scaled activations,
 * `bf16x3` float32 as sums of three bfloat16, at float32's accuracy. Norms and softmax always use float32.
 */
export const PRECISIONS = ['auto', 'fp32', 'tf32', 'bf16', 'bf16x3', 'fp16'] as const;
export type PrecisionName = (typeof PRECISIONS)[number];
