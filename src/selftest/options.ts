import { type CreateEncoderOptions, createEncoder, type SelectedEncoder } from '../encoder/select.js';
import { SIMULATED_BACKENDS, type SimulatedBackend, simulatedCardOf } from '../encoder/sim/profiles.js';
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { DeviceMemory, NativeBinding } from '../native/binding.js';
import type { SelftestEvent, SelftestMode } from './report.js';

/** 'auto': GPU 0 if TensorRT and a GPU can be used, else the CPU. */
export type SelftestDevice = 'auto' | 'cpu' | `cuda:${number}` | SimulatedBackend;

export interface SelftestOptions {
  /** Default 'auto'. */
  readonly device?: SelftestDevice;
  /** `quick` leaves the full-size VAE out, `full` adds 1024×1024. Default 'default'. */
  readonly mode?: SelftestMode;
  /** After so many minutes no further precision of the full-size VAE is begun. Default 20. */
  readonly minutes?: number;
  /** Of the CPU encoder. Default: all processors that this process may use. */
  readonly threads?: number;
  /** Folders in which CUDA and TensorRT are looked for first. */
  readonly libraryDir?: readonly string[];
  /** Ends the run; temporary folders are removed. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: SelftestEvent) => void;
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: NativeBinding;
}

/** What a test replaces. */
export interface SelftestSeams {
  readonly createEncoder?: (
    weights: VaeEncoderWeights,
    options: CreateEncoderOptions,
  ) => Promise<SelectedEncoder>;
  /** Memory of the whole device. */
  readonly readMemory?: () => Promise<DeviceMemory>;
}

/** As `--device` takes them. */
export const DEVICE_HELP = `auto, cuda:0, cpu, or ${SIMULATED_BACKENDS.join(', ')}`;
const MINUTES = 20;

export type DeviceChoice =
  | { readonly kind: 'auto' }
  | { readonly kind: 'gpu'; readonly index: number }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'simulated'; readonly backend: SimulatedBackend };

/** @throws LatentCacheError ERR_OPTION */
export function parseDevice(text: string): DeviceChoice {
  if (text === 'auto' || text === 'cpu') return { kind: text };
  const index = /^cuda(?::(\d{1,3}))?$/.exec(text);
  if (index !== null) return { kind: 'gpu', index: Number(index[1] ?? 0) };
  if (simulatedCardOf(text) !== undefined) return { kind: 'simulated', backend: text as SimulatedBackend };
  throw new LatentCacheError('ERR_OPTION', `device must be ${DEVICE_HELP}, got '${text}'`);
}

/** @throws LatentCacheError ERR_OPTION */
export function parseMinutes(minutes: number = MINUTES): number {
  if (minutes > 0) return minutes;
  throw new LatentCacheError('ERR_OPTION', `minutes must be more than 0, got ${minutes}`);
}

export const createRealEncoder: NonNullable<SelftestSeams['createEncoder']> = (weights, options) =>
  createEncoder(weights, options);
