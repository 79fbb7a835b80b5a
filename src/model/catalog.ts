/**
 * The models that latents are for: which VAE each has, and how its latents are normalised before a network learns on
 * them. Several share a VAE, but never the files of a trainer. Sources: the reference configurations of the models
 * (`vae/config.json` in diffusers), sd-scripts `library/sd3_models.py`, `library/flux_models.py`,
 * `library/hunyuan_image_vae.py`, `library/qwen_image_autoencoder_kl.py`, musubi-tuner `flux_2/flux2_models.py`.
 */

export const MODEL_IDS = [
  'sd',
  'sdxl',
  'sd3',
  'flux',
  'chroma',
  'lumina',
  'z-image',
  'flux-kontext',
  'flux2',
  'flux2-klein-4b',
  'flux2-klein-9b',
  'hunyuan-image',
  'qwen-image',
  'anima',
  'krea2',
] as const;
export type ModelId = (typeof MODEL_IDS)[number];

/** A VAE that one or more models have; its weights may differ from model to model (SD and SDXL). */
export type VaeId = 'sd' | 'kl16' | 'flux2' | 'hunyuan-image' | 'qwen-image';

/** From what the encoder gives (z, "raw") to what the network of the model takes. */
export type Normalisation =
  /** (z − shift) · scale */
  | { readonly kind: 'affine'; readonly shift: number; readonly scale: number }
  /** (z − mean[c]) / deviation[c] */
  | { readonly kind: 'channels'; readonly mean: readonly number[]; readonly deviation: readonly number[] }
  /**
   * (C, h, w) → (4C, h/2, w/2), channel c·4 + 2·row + column; then (x − mean[c]) / sqrt(variance[c] + epsilon) by the
   * running statistics of a batch norm in the VAE's file.
   */
  | { readonly kind: 'patches'; readonly epsilon: number };

export interface ModelFacts {
  readonly id: ModelId;
  readonly title: string;
  readonly vae: VaeId;
  /** Channels that the encoder gives. */
  readonly latentChannels: number;
  /** Pixels for each latent cell that the encoder gives, both axes. */
  readonly stride: number;
  readonly normalisation: Normalisation;
  /** The resolution that the base model was trained at, in pixels; our default. */
  readonly nativeResolution: number;
}

const SD_VAE = { vae: 'sd', latentChannels: 4, stride: 8 } as const;
const KL16_VAE = { vae: 'kl16', latentChannels: 16, stride: 8 } as const;
const FLUX_VAE = { ...KL16_VAE, normalisation: { kind: 'affine', shift: 0.1159, scale: 0.3611 } } as const;
const FLUX2_VAE = {
  vae: 'flux2',
  latentChannels: 32,
  stride: 8,
  normalisation: { kind: 'patches', epsilon: 1e-4 },
} as const;
const QWEN_VAE = {
  vae: 'qwen-image',
  latentChannels: 16,
  stride: 8,
  normalisation: {
    kind: 'channels',
    mean: [
      -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
      -0.1922, -0.9497, 0.2503, -0.2921,
    ],
    deviation: [
      2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382,
      1.1253, 2.8251, 1.916,
    ],
  },
} as const;

export const MODELS: Readonly<Record<ModelId, ModelFacts>> = {
  sd: {
    id: 'sd',
    title: 'Stable Diffusion 1.x / 2.x',
    ...SD_VAE,
    normalisation: { kind: 'affine', shift: 0, scale: 0.18215 },
    nativeResolution: 512,
  },
  sdxl: {
    id: 'sdxl',
    title: 'SDXL',
    ...SD_VAE,
    normalisation: { kind: 'affine', shift: 0, scale: 0.13025 },
    nativeResolution: 1024,
  },
  sd3: {
    id: 'sd3',
    title: 'Stable Diffusion 3 / 3.5',
    ...KL16_VAE,
    normalisation: { kind: 'affine', shift: 0.0609, scale: 1.5305 },
    nativeResolution: 1024,
  },
  flux: { id: 'flux', title: 'FLUX.1', ...FLUX_VAE, nativeResolution: 1024 },
  chroma: { id: 'chroma', title: 'Chroma', ...FLUX_VAE, nativeResolution: 1024 },
  lumina: { id: 'lumina', title: 'Lumina Image 2', ...FLUX_VAE, nativeResolution: 1024 },
  'z-image': { id: 'z-image', title: 'Z-Image', ...FLUX_VAE, nativeResolution: 1024 },
  'flux-kontext': { id: 'flux-kontext', title: 'FLUX.1 Kontext', ...FLUX_VAE, nativeResolution: 1024 },
  flux2: { id: 'flux2', title: 'FLUX.2 dev', ...FLUX2_VAE, nativeResolution: 1024 },
  'flux2-klein-4b': {
    id: 'flux2-klein-4b',
    title: 'FLUX.2 klein 4B',
    ...FLUX2_VAE,
    nativeResolution: 1024,
  },
  'flux2-klein-9b': {
    id: 'flux2-klein-9b',
    title: 'FLUX.2 klein 9B',
    ...FLUX2_VAE,
    nativeResolution: 1024,
  },
  'hunyuan-image': {
    id: 'hunyuan-image',
    title: 'HunyuanImage-2.1',
    vae: 'hunyuan-image',
    latentChannels: 64,
    stride: 32,
    normalisation: { kind: 'affine', shift: 0, scale: 0.75289 },
    nativeResolution: 2048,
  },
  'qwen-image': { id: 'qwen-image', title: 'Qwen-Image', ...QWEN_VAE, nativeResolution: 1024 },
  anima: { id: 'anima', title: 'Anima', ...QWEN_VAE, nativeResolution: 1024 },
  krea2: { id: 'krea2', title: 'Krea 2', ...QWEN_VAE, nativeResolution: 1024 },
};
