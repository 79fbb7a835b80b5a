/**
 * The plain description of an encoder: numbers only, no behaviour. `topology.ts` turns it into layers, `recognise.ts`
 * reads it off the tensors of a file.
 */

interface Common {
  /** Channels of the latent; the network's last conv gives twice as many. */
  readonly latentChannels: number;
  /** Feature channels of each level; every level but the last halves the sides. */
  readonly widths: readonly number[];
  /** Residual blocks of each level. */
  readonly blocksPerLevel: readonly number[];
  /** What the reference encoders clamp the log variance to. */
  readonly logvarClamp: { readonly minimum: number; readonly maximum: number };
}

interface GroupNormed {
  readonly norm: { readonly kind: 'group'; readonly groups: number; readonly epsilon: number };
}

/** Group norms and one attention in the middle ("KL autoencoder"): SD1, SD2, SDXL, SD3, FLUX.1, FLUX.2. */
export interface KlArchitecture extends Common, GroupNormed {
  readonly family: 'kl';
  /** A 1×1 conv on the moments behind the encoder: SD1, SD2, SDXL and FLUX.2 have it, SD3 and FLUX.1 do not. */
  readonly quantConv: boolean;
}

/** As 'kl', but sides are halved by moving pixels into channels, and averages of channels go around convs. */
export interface HunyuanImageArchitecture extends Common, GroupNormed {
  readonly family: 'hunyuan-image';
}

/** The causal 3-D encoder of Wan 2.1, Qwen-Image and Anima, reduced to the 2-D one that a single frame sees. */
export interface QwenImageArchitecture extends Common {
  readonly family: 'qwen-image';
  readonly norm: { readonly kind: 'rms'; readonly epsilon: number };
}

/** TAESD and its relatives: convs and ReLU; the output is a latent and no distribution. */
export interface TinyArchitecture extends Common {
  readonly family: 'tiny';
}

export type VaeArchitecture =
  | KlArchitecture
  | HunyuanImageArchitecture
  | QwenImageArchitecture
  | TinyArchitecture;

export type VaeFamily = VaeArchitecture['family'];

/** CompVis `Normalize`: 32 groups, and 1e-6 where PyTorch's default is 1e-5. */
export const GROUP_NORM = { kind: 'group', groups: 32, epsilon: 1e-6 } as const;

/** `torch.nn.functional.normalize`, with its default epsilon. */
export const RMS_NORM = { kind: 'rms', epsilon: 1e-12 } as const;

/** CompVis `DiagonalGaussianDistribution`. */
export const LOGVAR_CLAMP = { minimum: -30, maximum: 20 } as const;

/** Pixels per latent pixel, in each direction. */
export function strideOf({ widths }: VaeArchitecture): number {
  return 2 ** (widths.length - 1);
}

/** The encoder that SD1, SD2 and SDXL share (they differ in the weights only). */
export const SD_ENCODER: KlArchitecture = {
  family: 'kl',
  latentChannels: 4,
  widths: [128, 256, 512, 512],
  blocksPerLevel: [2, 2, 2, 2],
  norm: GROUP_NORM,
  quantConv: true,
  logvarClamp: LOGVAR_CLAMP,
};

/** Every encoder at its full size, by the VAE that has it; 'tiny' is TAESD. */
export const FULL_SIZE = {
  sd: SD_ENCODER,
  kl16: { ...SD_ENCODER, latentChannels: 16, quantConv: false },
  flux2: { ...SD_ENCODER, latentChannels: 32 },
  'hunyuan-image': {
    family: 'hunyuan-image',
    latentChannels: 64,
    widths: [128, 256, 512, 512, 1024, 1024],
    blocksPerLevel: [2, 2, 2, 2, 2, 2],
    norm: GROUP_NORM,
    logvarClamp: LOGVAR_CLAMP,
  },
  'qwen-image': {
    family: 'qwen-image',
    latentChannels: 16,
    widths: [96, 192, 384, 384],
    blocksPerLevel: [2, 2, 2, 2],
    norm: RMS_NORM,
    logvarClamp: LOGVAR_CLAMP,
  },
  tiny: {
    family: 'tiny',
    latentChannels: 4,
    widths: [64, 64, 64, 64],
    blocksPerLevel: [1, 3, 3, 3],
    logvarClamp: LOGVAR_CLAMP,
  },
} as const satisfies Record<string, VaeArchitecture>;

export type VaeKind = keyof typeof FULL_SIZE;
