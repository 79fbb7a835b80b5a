/** Files that are recognised in order to refuse them by name. The signs are keys that only they have. */
import type { TensorInfo } from './safetensors/header.js';

type Tensors = ReadonlyMap<string, TensorInfo>;

interface Sign {
  readonly key: RegExp;
  readonly dimensions?: number;
  readonly family: string;
}

/** Encoders in which one of ours would be found. */
const LOOKALIKES: readonly Sign[] = [
  {
    key: /(^|\.)encoder\.down_blocks\.0\.resnets\.0\.norm1\.gamma$/,
    family: 'a Wan 2.2 VAE (48 latent channels)',
  },
  { key: /(^|\.)encoder\.temp_conv_in\./, family: 'a video VAE (Allegro)' },
  {
    key: /^(encoder\.layers\.)?13\.pool\.0\.weight$/,
    family:
      'the tiny encoder of FLUX.2 (taef2): its blocks have pooling, which is not supported, and its latents cannot be made raw',
  },
];

/** Looked at when no encoder was found. */
const OTHERS: readonly Sign[] = [
  {
    key: /(^|\.)encoder\.downsamples\.0\.downsamples\.0\.residual\.0\.gamma$/,
    family: 'a Wan 2.2 VAE (48 latent channels)',
  },
  {
    key: /(^|\.)encoder\.(project_in|stages)\./,
    family: 'a deep-compression autoencoder (AutoencoderDC, Sana)',
  },
  { key: /^(encoder\.layers\.)?4\.conv\.0\.weight$/, family: 'the tiny encoder of Sana (taesana)' },
  { key: /(^|\.)encoder\.conv_in\.(0\.conv3d|conv_s)\./, family: 'a Cosmos VAE' },
  { key: /(^|\.)encoder\.conv_in\.conv\.weight$/, family: 'a video VAE (HunyuanVideo, CogVideoX or alike)' },
  { key: /(^|\.)encoder\.conv_in\.weight$/, dimensions: 5, family: 'a video VAE' },
  { key: /^(.*\.)?decoder\.conv_in\.weight$/, family: 'a VAE decoder without its encoder' },
  { key: /^3\.conv\.0\.weight$/, family: 'a tiny decoder (TAESD) without its encoder' },
  { key: /(^|\.)(lora_up|lora_down|lora_A|lora_B)\.weight$/, family: 'a LoRA' },
  {
    key: /^(model\.diffusion_model\.|down_blocks\.|double_blocks\.)/,
    family: 'a diffusion model without its VAE',
  },
];

/** An encoder that only resembles one of ours; undefined when there is none. */
export function nameLookalike(tensors: Tensors): string | undefined {
  return firstSign(LOOKALIKES, tensors);
}

/** What a file without an encoder is; undefined when nothing is known. */
export function nameOther(tensors: Tensors): string | undefined {
  return firstSign(OTHERS, tensors);
}

function firstSign(signs: readonly Sign[], tensors: Tensors): string | undefined {
  for (const { key, dimensions, family } of signs) {
    for (const [name, { shape }] of tensors) {
      if (key.test(name) && (dimensions === undefined || shape.length === dimensions)) return family;
    }
  }
  return undefined;
}

/** Which models have encoders of the KL family with so many latent channels. */
export function nameByLatentChannels(channels: number): string {
  switch (channels) {
    case 4:
      return 'an SD1, SD2 or SDXL VAE (4 latent channels)';
    case 16:
      return 'an SD3 or FLUX.1 VAE (16 latent channels)';
    case 32:
      return 'a FLUX.2 VAE (32 latent channels)';
    default:
      return `a VAE with ${channels} latent channels`;
  }
}
