/** Encoders that are recognised in order to refuse them by name. The signs are keys that only they have. */
import type { TensorInfo } from './safetensors/header.js';

type Tensors = ReadonlyMap<string, TensorInfo>;

interface Sign {
  readonly key: RegExp;
  readonly dimensions?: number;
  readonly family: string;
}

const SIGNS: readonly Sign[] = [
  { key: /(^|\.)encoder\.downsamples\.0\.residual\.0\.gamma$/, family: 'a Wan 2.1 or Qwen-Image VAE' },
  { key: /(^|\.)encoder\.mid_block\.attentions\.0\.to_qkv\.weight$/, family: 'a Wan 2.1 or Qwen-Image VAE' },
  {
    key: /(^|\.)encoder\.layers\.1\.conv\.0\.weight$/,
    family: 'a tiny autoencoder (TAESD): only an approximation',
  },
  { key: /^1\.conv\.0\.weight$/, family: 'a tiny autoencoder (TAESD): only an approximation' },
  { key: /(^|\.)encoder\.project_in\./, family: 'a deep-compression autoencoder (AutoencoderDC)' },
  { key: /(^|\.)encoder\.conv_in\.conv\.weight$/, family: 'a video VAE (HunyuanVideo, CogVideoX or alike)' },
  { key: /(^|\.)encoder\.conv_in\.weight$/, dimensions: 5, family: 'a video VAE' },
  { key: /(^|\.)encoder\.down_blocks\.0\.conv1\.weight$/, dimensions: 4, family: 'a HunyuanImage-2.1 VAE' },
  { key: /^(.*\.)?decoder\.conv_in\.weight$/, family: 'a VAE decoder without its encoder' },
  { key: /(^|\.)(lora_up|lora_down|lora_A|lora_B)\.weight$/, family: 'a LoRA' },
  {
    key: /^(model\.diffusion_model\.|down_blocks\.|double_blocks\.)/,
    family: 'a diffusion model without its VAE',
  },
];

/** The name of another family whose tensors these are, or undefined. */
export function nameOtherFamily(tensors: Tensors): string | undefined {
  for (const { key, dimensions, family } of SIGNS) {
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
    case 64:
      return 'a HunyuanImage-2.1 VAE (64 latent channels)';
    default:
      return `a VAE with ${channels} latent channels`;
  }
}
