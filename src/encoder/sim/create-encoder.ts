/** Puts a simulated GPU together: for tests and for planning. What it encodes is of no use to a trainer. */
import { throwIfAborted } from '../../abort.js';
import { asLatentCacheError, LatentCacheError } from '../../errors.js';
import { strideOf, type VaeArchitecture } from '../../model/architecture.js';
import type { BackendOptions, DeviceMemory, NativeBinding } from '../../native/binding.js';
import { BUILD_COMMAND, loadBinding } from '../../native/load.js';
import { findPlugins } from '../find-plugins.js';
import { GPU_MEMORY, resolveBudget } from '../memory-budget.js';
import type { TensorrtOptions } from '../tensorrt/create-encoder.js';
import { DeviceEngines } from '../tensorrt/device-engines.js';
import { EngineDesk } from '../tensorrt/engine-desk.js';
import { RUN_COUNTS } from '../tensorrt/engine-spec.js';
import { chooseQueryChunks } from '../tensorrt/networks.js';
import { choosePrecision } from '../tensorrt/precision.js';
import { TensorrtEncoder } from '../tensorrt/tensorrt-encoder.js';
import { SIMULATED_CARDS, type SimulatedCardName, settingsOf } from './profiles.js';
import { SimulatedEngines } from './simulated-engines.js';

export interface SimulatedOptions
  extends Pick<
    TensorrtOptions,
    'precision' | 'vramBudget' | 'queryChunks' | 'sliceAttention' | 'signal' | 'binding'
  > {
  readonly card: SimulatedCardName;
  /**
   * What else is simulated, as "key=value" words that take precedence over the card's own: see `native/sim/settings.h`.
   * Default: those of the environment variable LATENT_CACHE_SIM, such as
   * `LATENT_CACHE_SIM="others_random=3GiB:60 seed=7 pace=0"`.
   */
  readonly settings?: string;
}

/** What a test replaces. */
export interface SimulatedSeams {
  readonly plugins?: readonly string[];
}

const PLUGINS = ['liblatent_cache_sim.so'];
/** As on a GPU. */
const SLOTS = 2;

/**
 * Opens a simulated card. All of the GPU backend runs as it does on a real one, but for the libraries below the plug-in
 * and the building of engines. Encoders with the same card and settings share one card, to the end of the process.
 *
 * @throws LatentCacheError ERR_OPTION (precision, settings), ERR_BACKEND_MISSING, ERR_DEVICE_OUT_OF_MEMORY,
 * ERR_DEVICE_LOST, ERR_ABORTED, ERR_ADDON_MISSING.
 */
export async function createSimulatedEncoder(
  architecture: VaeArchitecture,
  { card: name, settings = process.env.LATENT_CACHE_SIM ?? '', ...options }: SimulatedOptions,
  { plugins = findPlugins(PLUGINS) }: SimulatedSeams = {},
): Promise<TensorrtEncoder> {
  const { signal, binding = loadBinding() } = options;
  const card = SIMULATED_CARDS[name];
  const queryChunks = chooseQueryChunks(options);
  const precision = choosePrecision(options.precision ?? 'auto', { ...card, name: card.title });
  const [plugin] = plugins;
  if (plugin === undefined) {
    throw new LatentCacheError('ERR_BACKEND_MISSING', 'The simulated GPU was not built with this package', {
      remedy: `Run: ${BUILD_COMMAND}`,
    });
  }
  const backend = { plugin, libraryFolders: [], settings: `${settingsOf(card)} ${settings}` };
  const memory = await readMemory(backend, settings, binding);
  const memoryBudget = resolveBudget(options.vramBudget ?? 'auto', memory, GPU_MEMORY);
  throwIfAborted(signal, 'encoding');

  const opening = { ...backend, device: 0, memoryBudget, slots: SLOTS };
  const source = await SimulatedEngines.open({
    architecture,
    queryChunks,
    memoryBudget,
    binding,
    measuring: { ...opening, memoryBudget: card.bytes, settings: `${settingsOf(card)} world=measuring` },
    title: card.title,
  });
  try {
    const device = await binding.openDevice(opening);
    return new TensorrtEncoder({
      binding,
      device,
      engines: new DeviceEngines(device, memoryBudget),
      desk: new EngineDesk(source, precision),
      calibrator: null,
      logvarClamp: architecture.logvarClamp,
      onDisposed: () => source.dispose(),
      info: {
        backend: `sim:${name}`,
        device: card.title,
        precision,
        latentChannels: architecture.latentChannels,
        stride: strideOf(architecture),
        callsAtOnce: SLOTS + 1,
        preferredBatchSize: RUN_COUNTS[0],
        runtime: `simulated ${card.title}`,
      },
    });
  } catch (error) {
    await source.dispose();
    throw error;
  }
}

/** The first call that sees the settings. */
async function readMemory(
  backend: BackendOptions,
  settings: string,
  binding: Pick<NativeBinding, 'backendMemory'>,
): Promise<DeviceMemory> {
  return binding.backendMemory(backend, 0).catch((thrown: unknown) => {
    const error = asLatentCacheError(thrown, 'ERR_BACKEND_MISSING');
    if (error.code !== 'ERR_ARGUMENT') throw error;
    throw new LatentCacheError('ERR_OPTION', error.message, {
      remedy: `Correct LATENT_CACHE_SIM, or the settings given: "${settings}".`,
      cause: error,
    });
  });
}
