/** What is tested: how to open encoders on it, and how to see its memory. */
import type { Encoder } from '../encoder/encoder.js';
import { findPlugins } from '../encoder/find-plugins.js';
import type { PrecisionName } from '../encoder/precision-names.js';
import type { CreateEncoderOptions } from '../encoder/select.js';
import { SIMULATED_CARDS, settingsOf, simulatedCardOf } from '../encoder/sim/profiles.js';
import { findLibraryFolders } from '../encoder/tensorrt/find-libraries.js';
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { DeviceMemory, NativeBinding } from '../native/binding.js';
import { createRealEncoder, type DeviceChoice, type SelftestOptions, type SelftestSeams } from './options.js';
import { type DeviceWatch, watchDevices } from './watch-devices.js';

export type TargetKind = 'gpu' | 'cpu' | 'simulated';

export interface Target {
  readonly kind: TargetKind;
  /** 'cuda:0', 'cpu' … */
  readonly name: string;
  /** Why 'auto' chose it; null when it was asked for. */
  readonly reason: string | null;
  /** All that such a device may have; the one that `auto` takes on a GPU goes first. */
  readonly precisions: readonly PrecisionName[];
  readonly binding: NativeBinding;
  readonly watch: DeviceWatch;
  readonly libraryFolders: readonly string[];
  /** Of every encoder on it. */
  readonly encoderOptions: CreateEncoderOptions;
  /** Encoders come from a test. */
  readonly isReplaced: boolean;
  open(weights: VaeEncoderWeights, options?: CreateEncoderOptions): Promise<Encoder>;
  /** An encoder in float32 whose arithmetic is another library's. */
  openReference(weights: VaeEncoderWeights, runtime: string): Promise<Encoder>;
  /** Of the whole device; null where a difference says nothing: main memory is shared with all of this process. */
  readonly readMemory: (() => Promise<DeviceMemory>) | null;
}

const PRECISIONS: Record<TargetKind, readonly PrecisionName[]> = {
  gpu: ['fp16', 'fp32', 'bf16', 'tf32'],
  simulated: ['fp16', 'fp32', 'bf16', 'tf32'],
  cpu: ['fp32', 'bf16x3', 'bf16'],
};

/**
 * @param engineFolder empty: what is tested is built, not found
 */
export async function openTarget(
  choice: DeviceChoice,
  engineFolder: string,
  options: SelftestOptions,
  seams: SelftestSeams,
  native: NativeBinding,
): Promise<Target> {
  const watch = watchDevices(native);
  const { binding } = watch;
  const { libraryFolders } = findLibraryFolders({ folders: options.libraryDir ?? [] });
  const { index, reason, ...device } = await decide(choice, binding, libraryFolders);
  const { createEncoder = createRealEncoder } = seams;
  const common: CreateEncoderOptions = {
    binding,
    engineFolder,
    libraryFolders: options.libraryDir ?? [],
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  const encoderOptions = { ...common, backend: device.backend, device: index };
  return {
    kind: device.kind,
    name: device.name,
    reason,
    precisions: PRECISIONS[device.kind],
    binding,
    watch,
    libraryFolders,
    encoderOptions,
    isReplaced: seams.createEncoder !== undefined,
    open: async (weights, more = {}) =>
      (await createEncoder(weights, { ...encoderOptions, ...more })).encoder,
    openReference: async (weights, runtime) => {
      const other = /onednn/i.test(runtime) ? 'onnxruntime' : /onnxruntime/i.test(runtime) ? 'onednn' : 'cpu';
      return (await createRealEncoder(weights, { ...common, backend: other, precision: 'fp32' })).encoder;
    },
    readMemory: seams.readMemory ?? memoryReader(device.kind, device.name, index, binding, libraryFolders),
  };
}

interface Decided {
  readonly kind: TargetKind;
  readonly name: string;
  readonly backend: NonNullable<CreateEncoderOptions['backend']>;
  readonly index: number;
  readonly reason: string | null;
}

async function decide(
  choice: DeviceChoice,
  binding: NativeBinding,
  libraryFolders: readonly string[],
): Promise<Decided> {
  const gpu = (index: number, reason: string | null): Decided => ({
    kind: 'gpu',
    name: `cuda:${index}`,
    backend: 'tensorrt',
    index,
    reason,
  });
  switch (choice.kind) {
    case 'gpu':
      return gpu(choice.index, null);
    case 'simulated':
      return { kind: 'simulated', name: choice.backend, backend: choice.backend, index: 0, reason: null };
    case 'cpu':
      return { kind: 'cpu', name: 'cpu', backend: 'cpu', index: 0, reason: null };
    case 'auto':
      try {
        await binding.cudaStatus({ libraryFolders });
        return gpu(0, 'a GPU is there');
      } catch (error) {
        if (!(error instanceof LatentCacheError)) throw error;
        return { kind: 'cpu', name: 'cpu', backend: 'cpu', index: 0, reason: `no GPU: ${error.message}` };
      }
  }
}

function memoryReader(
  kind: TargetKind,
  name: string,
  index: number,
  binding: NativeBinding,
  libraryFolders: readonly string[],
): Target['readMemory'] {
  if (kind === 'gpu') return () => binding.cudaMemGetInfo(index, { libraryFolders });
  if (kind === 'cpu') return null;
  const [plugin] = findPlugins(['liblatent_cache_sim.so']);
  const settings = `${settingsOf(SIMULATED_CARDS[simulatedCardOf(name)!])} ${process.env.LATENT_CACHE_SIM ?? ''}`;
  return plugin === undefined
    ? null
    : () => binding.backendMemory({ plugin, libraryFolders: [], settings }, 0);
}
