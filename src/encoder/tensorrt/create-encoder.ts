/** Puts the GPU backend together: libraries, device, budget, engine cache. */

import { throwIfAborted } from '../../abort.js';
import { LatentCacheError } from '../../errors.js';
import { strideOf } from '../../model/architecture.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import type { CudaDevice, LibrarySearch, NativeBinding } from '../../native/binding.js';
import { loadBinding } from '../../native/load.js';
import { findPlugins } from '../find-plugins.js';
import { GPU_MEMORY, resolveBudget, type VramBudget } from '../memory-budget.js';
import type { PrecisionName } from '../precision-names.js';
import { Calibrator } from './calibrator.js';
import { type Compile, compileEngine } from './compile-engine.js';
import { DeviceEngines } from './device-engines.js';
import { EngineCache } from './engine-cache.js';
import { EngineDesk } from './engine-desk.js';
import { RUN_COUNTS } from './engine-spec.js';
import { EngineStore } from './engine-store.js';
import { findLibraryFolders } from './find-libraries.js';
import { chooseQueryChunks, Networks } from './networks.js';
import { openBackend } from './open-backend.js';
import { choosePrecision } from './precision.js';
import { ScaleFile } from './scale-file.js';
import { TensorrtEncoder } from './tensorrt-encoder.js';
import { TimingCache } from './timing-cache.js';

export interface TensorrtOptions {
  /** Index of the GPU as in `listDevices`. Default 0. */
  readonly device?: number;
  /** Default 'auto': fp16 with scaled activations. */
  readonly precision?: PrecisionName;
  /** Device memory for engines and runs together. Default 'auto': 90 % of what is free, less a reserve. */
  readonly vramBudget?: VramBudget;
  /** The attention works through its queries in so many pieces; the result does not change. Default: by the size. */
  readonly queryChunks?: number;
  /** More pieces than by the size, so that the attention needs next to no memory. Default false. */
  readonly sliceAttention?: boolean;
  /** Folders in which CUDA and TensorRT are looked for first. */
  readonly libraryFolders?: readonly string[];
  /** Of compiled engines. Default: `$XDG_CACHE_HOME/latent-cache/engines`. */
  readonly engineFolder?: string;
  readonly signal?: AbortSignal;
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: NativeBinding;
}

/** What a test replaces. */
export interface TensorrtSeams {
  readonly compile?: Compile;
  readonly plugins?: readonly string[];
}

/** The newest first. */
export const TENSORRT_PLUGINS = ['liblatent_cache_trt11.so', 'liblatent_cache_trt10.so'];
/** One run computes, the next one's images are copied in meanwhile. */
const SLOTS = 2;

/**
 * Opens a GPU for the encoder. The tensors of the weights are used as long as it lives: engines are built when a size
 * needs them.
 *
 * @throws LatentCacheError ERR_OPTION, ERR_ABORTED, ERR_ADDON_MISSING, ERR_CUDA_MISSING, ERR_CUDA_DRIVER,
 * ERR_NO_DEVICE, ERR_BACKEND_MISSING, ERR_TENSORRT_MISSING, ERR_TENSORRT_TOO_OLD, ERR_TENSORRT_MAJOR,
 * ERR_DEVICE_OUT_OF_MEMORY, ERR_OUTPUT_NOT_WRITABLE (the engine folder).
 */
export async function createTensorrtEncoder(
  weights: VaeEncoderWeights,
  options: TensorrtOptions = {},
  { compile = compileEngine, plugins = findPlugins(TENSORRT_PLUGINS) }: TensorrtSeams = {},
): Promise<TensorrtEncoder> {
  const { signal, binding = loadBinding() } = options;
  const queryChunks = chooseQueryChunks(options);
  const search = findLibraryFolders({ folders: options.libraryFolders ?? [] });
  const gpu = await findDevice(options.device ?? 0, search, binding);
  const precision = choosePrecision(options.precision ?? 'auto', gpu);
  const backend = await openBackend(plugins, search, binding);
  const memoryBudget = resolveBudget(
    options.vramBudget ?? 'auto',
    await binding.cudaMemGetInfo(gpu.index, search),
    GPU_MEMORY,
  );
  const { engineFolder: folder } = options;
  const cache = await EngineCache.open({ binding, ...(folder === undefined ? {} : { folder }) });
  throwIfAborted(signal, 'encoding');
  const device = await binding.openDevice({
    ...search,
    plugin: backend.path,
    device: gpu.index,
    memoryBudget,
    slots: SLOTS,
  });

  const engines = new DeviceEngines(device, memoryBudget);
  const networks = new Networks(weights, queryChunks);
  const store = new EngineStore({
    networks,
    cache,
    timing: new TimingCache(cache.folder, gpu.attributes, backend.runtime, binding),
    compile,
    backend,
    libraryFolders: search.libraryFolders,
    device: gpu,
    memoryBudget,
    clearDevice: () => engines.freeAllBut(undefined),
  });
  const scales = new ScaleFile(cache.folder, weights.fingerprint, binding);
  const { architecture } = weights;
  return new TensorrtEncoder({
    binding,
    device,
    engines,
    desk: new EngineDesk(store, precision),
    calibrator: precision === 'fp16' ? new Calibrator({ networks, store, engines, device, scales }) : null,
    logvarClamp: architecture.logvarClamp,
    info: {
      backend: 'tensorrt',
      device: gpu.name,
      precision,
      latentChannels: architecture.latentChannels,
      stride: strideOf(architecture),
      // the device waits for a run when nothing is queued: one more call is at hand when a slot becomes free
      callsAtOnce: SLOTS + 1,
      preferredBatchSize: RUN_COUNTS[0],
      runtime: backend.runtime,
    },
  });
}

async function findDevice(
  index: number,
  search: LibrarySearch,
  binding: Pick<NativeBinding, 'cudaStatus'>,
): Promise<CudaDevice> {
  if (!Number.isInteger(index) || index < 0) {
    throw new LatentCacheError('ERR_OPTION', `device must be the index of a GPU, got ${index}`);
  }
  const { devices } = await binding.cudaStatus(search);
  const found = devices.find((device) => device.index === index);
  if (found !== undefined) return found;
  const names = devices.map((device) => `${device.index} is ${device.name}`).join(', ');
  throw new LatentCacheError('ERR_NO_DEVICE', `There is no GPU ${index}${names === '' ? '' : `: ${names}`}`, {
    remedy: 'Check nvidia-smi and CUDA_VISIBLE_DEVICES.',
  });
}
