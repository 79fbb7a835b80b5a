/**
 * The plain description of an encoder: numbers only, no behaviour. `topology.ts` turns it into layers, `recognise.ts`
 * reads it off the tensors of a file.
 */

export interface VaeArchitecture {
  /** The family of encoders with group norms and one attention in the middle ("KL autoencoder"). */
  readonly family: 'kl';
  /** Channels of the latent; the network's last conv gives twice as many. */
  readonly latentChannels: number;
  /** Feature channels of each level; every level but the last halves the sides. */
  readonly widths: readonly number[];
  /** Residual blocks of each level. */
  readonly blocksPerLevel: readonly number[];
  readonly norm: { readonly kind: 'group'; readonly groups: number; readonly epsilon: number };
  /** A 1×1 conv on the moments behind the encoder: SD1, SD2 and SDXL have it, SD3 and FLUX.1 do not. */
  readonly quantConv: boolean;
  /** What the reference encoders clamp the log variance to. */
  readonly logvarClamp: { readonly minimum: number; readonly maximum: number };
}

/** CompVis `Normalize`: 32 groups, and 1e-6 where PyTorch's default is 1e-5. */
export const GROUP_NORM = { kind: 'group', groups: 32, epsilon: 1e-6 } as const;

/** CompVis `DiagonalGaussianDistribution`. */
export const LOGVAR_CLAMP = { minimum: -30, maximum: 20 } as const;

/** Pixels per latent pixel, in each direction. */
export function strideOf({ widths }: VaeArchitecture): number {
  return 2 ** (widths.length - 1);
}

/** The encoder that SD1, SD2 and SDXL share (they differ in the weights only). */
export const SD_ENCODER: VaeArchitecture = {
  family: 'kl',
  latentChannels: 4,
  widths: [128, 256, 512, 512],
  blocksPerLevel: [2, 2, 2, 2],
  norm: GROUP_NORM,
  quantConv: true,
  logvarClamp: LOGVAR_CLAMP,
};
