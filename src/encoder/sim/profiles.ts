/**
 * The cards that can be simulated. Rates are of dense fp16 products with float32 sums: on GeForce cards of this kind they
 * are twice the float32 rate, and half of what fp16 sums would reach.
 */

export interface SimulatedCard {
  /** 'RTX 3060 12 GB' */
  readonly title: string;
  /** Of device memory. */
  readonly bytes: number;
  /** 10^12 operations a second, a multiply-add counted as 2. */
  readonly tflops: number;
  /** 10^9 bytes a second. */
  readonly bandwidth: number;
  /**
   * What encoders reach of that rate: published times of diffusers' VAE encoder at 1024² where there are any
   * (https://huggingface.co/docs/diffusers/main/en/hybrid_inference/vae_encode), else a half, which is what PyTorch
   * reaches on the Ampere cards in that table.
   */
  readonly share: number;
  readonly computeCapability: readonly [major: number, minor: number];
}

const GIB = 2 ** 30;
/** Where nothing was published. */
const HALF = 0.5;

export const SIMULATED_CARDS = {
  /**
   * 12.74 TFLOP/s in float32, doubled (derived), and 360 GB/s:
   * https://cputronic.com/gpu/compare/nvidia-geforce-rtx-3060-vs-nvidia-geforce-rtx-4070
   */
  'rtx-3060': {
    title: 'RTX 3060 12 GB',
    bytes: 12 * GIB,
    tflops: 25.5,
    bandwidth: 360,
    share: HALF,
    computeCapability: [8, 6],
  },
  /**
   * 71 TFLOP/s: GA102 whitepaper, appendix A (https://docslib.org/doc/759549/nvidia-ampere-ga102-gpu-architecture-whitepaper);
   * 936 GB/s: https://pcpartdb.com/gpus/compare/nvidia-geforce-rtx-3090--vs--nvidia-geforce-rtx-4060-ti-16-gb;
   * published: 0.136 s, 51 % (derived).
   */
  'rtx-3090': {
    title: 'RTX 3090 24 GB',
    bytes: 24 * GIB,
    tflops: 71,
    bandwidth: 936,
    share: 0.51,
    computeCapability: [8, 6],
  },
  /** 22.06 TFLOP/s in float32, doubled (derived), and 288 GB/s: general knowledge, no page was read. */
  'rtx-4060-ti-16gb': {
    title: 'RTX 4060 Ti 16 GB',
    bytes: 16 * GIB,
    tflops: 44.1,
    bandwidth: 288,
    share: HALF,
    computeCapability: [8, 9],
  },
  /**
   * 165.2 TFLOP/s and 1,008 GB/s:
   * https://hmc-tech.com/gpus/nvidia-geforce-rtx-4090-vs-nvidia-rtx-pro-5000-blackwell; published: 0.078 s, 38 % (derived).
   */
  'rtx-4090': {
    title: 'RTX 4090 24 GB',
    bytes: 24 * GIB,
    tflops: 165.2,
    bandwidth: 1008,
    share: 0.38,
    computeCapability: [8, 9],
  },
  /**
   * A quarter (derived) of 838.4 TFLOP/s, which are sparse and with fp16 sums, and 1,792 GB/s:
   * https://www.spheron.network/blog/nvidia-rtx-5090-specs/
   */
  'rtx-5090': {
    title: 'RTX 5090 32 GB',
    bytes: 32 * GIB,
    tflops: 209.5,
    bandwidth: 1792,
    share: HALF,
    computeCapability: [12, 0],
  },
  /**
   * SXM: 989 TFLOP/s and 3.35 TB/s, https://gist.github.com/mikasenghaas/d63ded03f1f0417b1677627119bacc0d. In float32
   * without TF32 it is slower than the simulated half.
   */
  h100: {
    title: 'H100 SXM 80 GB',
    bytes: 80 * GIB,
    tflops: 989,
    bandwidth: 3350,
    share: HALF,
    computeCapability: [9, 0],
  },
} as const satisfies Record<string, SimulatedCard>;

export type SimulatedCardName = keyof typeof SIMULATED_CARDS;
export type SimulatedBackend = `sim:${SimulatedCardName}`;

const NAMES = Object.keys(SIMULATED_CARDS) as SimulatedCardName[];

/** As `--backend` takes them. */
export const SIMULATED_BACKENDS: readonly SimulatedBackend[] = NAMES.map((name) => `sim:${name}` as const);

/** Undefined for a backend that is none of them. */
export function simulatedCardOf(backend: string): SimulatedCardName | undefined {
  return NAMES.find((name) => backend === `sim:${name}`);
}

/** 'NVIDIA GeForce RTX 3060' → 'rtx-3060'; the longest name wins, so that a 4060 Ti is none of another. */
export function cardNamed(name: string): SimulatedCardName | undefined {
  const plain = name.toLowerCase();
  return NAMES.toSorted((a, b) => b.length - a.length).find((card) => {
    const words = SIMULATED_CARDS[card].title.toLowerCase().replace(/ \d+ gb$/, '');
    return plain.includes(words) && !/\b(ti|super|laptop)\b/.test(plain.replace(words, ''));
  });
}

/** Assumed: "a few hundred MB" is what a CUDA context with the code of its kernels is said to take. */
const CONTEXT_BYTES = 400 * 2 ** 20;
/** Assumed: 150 kernels a run at 5 to 7 microseconds each. */
const LAUNCH_MICROSECONDS = 1000;

/** As `native/sim/settings.h` reads it. */
export function settingsOf({ bytes, tflops, bandwidth, share }: SimulatedCard): string {
  const words = {
    capacity: bytes,
    tflops,
    bandwidth,
    share,
    context: CONTEXT_BYTES,
    launch_us: LAUNCH_MICROSECONDS,
  };
  return Object.entries(words)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
