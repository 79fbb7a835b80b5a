/**
 * What the trainers fix for each model, in one place. Sources: cache format note 1.1 (names, channels, stride) and
 * 1.6 (bucket steps); sd-scripts `library/strategy_sd.py`, `train_network.py`, `sdxl_train_network.py`.
 */
export interface ModelFacts {
  readonly id: ModelId;
  readonly title: string;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Pixels for each latent cell, both axes. */
  readonly stride: number;
  /** `{base}_{W}x{H}_{suffix}.npz` in sd-scripts. */
  readonly suffix: string;
  /** `bucket_reso_steps` must be a multiple of this. */
  readonly bucketStep: number;
  /** The resolution that the base model was trained at, in pixels; our default. */
  readonly nativeResolution: number;
}

export const MODEL_IDS = ['sd', 'sdxl'] as const;
export type ModelId = (typeof MODEL_IDS)[number];

export const MODELS: Readonly<Record<ModelId, ModelFacts>> = {
  sd: {
    id: 'sd',
    title: 'Stable Diffusion 1.x / 2.x',
    latentChannels: 4,
    stride: 8,
    suffix: 'sd',
    bucketStep: 64,
    nativeResolution: 512,
  },
  sdxl: {
    id: 'sdxl',
    title: 'SDXL',
    latentChannels: 4,
    stride: 8,
    suffix: 'sdxl',
    bucketStep: 32,
    nativeResolution: 1024,
  },
};
