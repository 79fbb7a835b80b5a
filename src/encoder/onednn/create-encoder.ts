/** Puts the CPU backend together: plug-in, precision, threads, NUMA nodes, budget. */
import path from 'node:path';
import { throwIfAborted } from '../../abort.js';
import { asLatentCacheError, type ErrorDetails, LatentCacheError } from '../../errors.js';
import { strideOf } from '../../model/architecture.js';
import { foldPointwiseConvs } from '../../model/fold.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { releaseBuffers } from '../../model/release-buffers.js';
import type { BackendInfo, LibrarySearch, NativeBinding } from '../../native/binding.js';
import { BUILD_COMMAND, loadBinding } from '../../native/load.js';
import { findPlugins } from '../find-plugins.js';
import { CPU_MEMORY, resolveBudget, type VramBudget } from '../memory-budget.js';
import type { PrecisionName } from '../precision-names.js';
import { checkThreads, describeThreads, usableProcessors } from '../processors.js';
import { NodeEngine } from './node-engine.js';
import { numaNodes, type ProcessorNode } from './numa.js';
import { OnednnEncoder } from './onednn-encoder.js';
import { type PlannedDevice, planDevices } from './plan-devices.js';
import { type Accuracy, choosePrecision } from './precision.js';

export interface OnednnOptions {
  /** Default 'auto': the fastest that keeps `accuracy`. */
  readonly precision?: PrecisionName;
  /** Of the precision 'auto'. Default 'float32'. */
  readonly accuracy?: Accuracy;
  /** Of one image's computation. Default: all processors that this process may use, quotas of cgroups counted. */
  readonly threads?: number;
  /** Main memory for weights and runs together. Default 'auto': 80 % of what is free. */
  readonly vramBudget?: VramBudget;
  /** Folders in which the plug-in's libraries are looked for first. */
  readonly libraryFolders?: readonly string[];
  /** Free the tensors of the weights as soon as the network has its own; they are unusable then. Default false. */
  readonly consumeWeights?: boolean;
  readonly signal?: AbortSignal;
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: NativeBinding;
}

/** What a test replaces. */
export interface OnednnSeams {
  readonly plugins?: readonly string[];
  readonly nodes?: readonly ProcessorNode[];
}

export const ONEDNN_PLUGINS = ['liblatent_cache_onednn.so'];
/** Main memory is the device's: there is nothing to copy in while another run computes. */
const SLOTS = 1;
/** For each node: one computes, one is at hand when that is done. */
const CALLS_PER_NODE = 2;
/** Images of a run. */
const MOST_AT_ONCE = 8;

/**
 * Opens the CPU for the encoder: one device, or one for each NUMA node. Each node holds its own copy of the weights and
 * gets an equal part of the budget.
 *
 * @throws LatentCacheError ERR_BACKEND_MISSING (the plug-in was not built or does not open, with the reason),
 * ERR_OPTION, ERR_ABORTED, ERR_ADDON_MISSING, ERR_DEVICE_OUT_OF_MEMORY (the budget does not hold the weights),
 * ERR_OUT_OF_MEMORY.
 */
export async function createOnednnEncoder(
  weights: VaeEncoderWeights,
  options: OnednnOptions = {},
  { plugins = findPlugins(ONEDNN_PLUGINS), nodes = numaNodes() }: OnednnSeams = {},
): Promise<OnednnEncoder> {
  const { signal, binding = loadBinding() } = options;
  const devices = planDevices(checkThreads(options.threads ?? usableProcessors()), nodes);
  const search = { libraryFolders: (options.libraryFolders ?? []).map((folder) => path.resolve(folder)) };
  const backend = await openBackend(plugins, search, binding);
  const { precision, reason } = choosePrecision(
    options.precision ?? 'auto',
    options.accuracy ?? 'float32',
    backend.precisions,
  );
  const backendOptions = { plugin: backend.path, ...search };
  const memory = await binding.backendMemory(backendOptions, 0);
  const budget = resolveBudget(options.vramBudget ?? 'auto', memory, CPU_MEMORY);
  throwIfAborted(signal, 'encoding');

  const network = foldPointwiseConvs(weights);
  const open = (device: PlannedDevice) =>
    NodeEngine.open(
      binding,
      {
        ...backendOptions,
        ...device,
        device: 0,
        memoryBudget: Math.floor(budget / devices.length),
        slots: SLOTS,
      },
      network,
      precision,
    );
  const opened = await openAll(devices, open, signal);
  if (options.consumeWeights) releaseBuffers([...weights.tensors.values(), ...network.tensors.values()]);
  const { architecture } = weights;
  return new OnednnEncoder({
    binding,
    nodes: opened,
    precisionReason: reason,
    logvarClamp: architecture.logvarClamp,
    info: {
      backend: 'cpu',
      device: describe(devices),
      precision,
      latentChannels: architecture.latentChannels,
      stride: strideOf(architecture),
      callsAtOnce: CALLS_PER_NODE * devices.length,
      preferredBatchSize: batchFor(Math.max(...devices.map((device) => device.threads))),
      runtime: backend.runtime,
    },
  });
}

async function openBackend(
  [plugin]: readonly string[],
  search: LibrarySearch,
  binding: Pick<NativeBinding, 'probeBackend'>,
): Promise<BackendInfo> {
  if (plugin === undefined) {
    throw new LatentCacheError('ERR_BACKEND_MISSING', 'The oneDNN plug-in was not built with this package', {
      remedy: `Install oneDNN (Debian and Ubuntu: libdnnl-dev) and run: ${BUILD_COMMAND}`,
    });
  }
  const refused = (reason: string, details: ErrorDetails = {}) =>
    new LatentCacheError('ERR_BACKEND_MISSING', `The oneDNN plug-in cannot be used: ${reason}`, {
      path: plugin,
      ...details,
    });
  const info = await binding.probeBackend({ plugin, ...search }).catch((thrown: unknown) => {
    const { message, remedy } = asLatentCacheError(thrown, 'ERR_BACKEND_MISSING');
    throw refused(message, { remedy, cause: thrown });
  });
  if (info.precisions.length === 0) throw refused(`${info.name} takes no networks`);
  return info;
}

/** All or none. */
async function openAll(
  devices: readonly PlannedDevice[],
  open: (device: PlannedDevice) => Promise<NodeEngine>,
  signal: AbortSignal | undefined,
): Promise<NodeEngine[]> {
  const opened: NodeEngine[] = [];
  try {
    for (const device of devices) {
      opened.push(await open(device));
      throwIfAborted(signal, 'encoding');
    }
    return opened;
  } catch (error) {
    await Promise.all(opened.map((node) => node.close()));
    throw error;
  }
}

/**
 * Threads share the tiles of all images of a batch. An image of 512² has 8 tiles where it has the fewest, so that one
 * image for 4 threads leaves 2 tiles to each; more would only need more memory.
 */
function batchFor(threads: number): number {
  return Math.min(MOST_AT_ONCE, Math.ceil(threads / 4));
}

function describe(devices: readonly PlannedDevice[]): string {
  const threads = describeThreads(devices.reduce((sum, device) => sum + device.threads, 0));
  return devices.length === 1 ? threads : `${threads} on ${devices.length} NUMA nodes`;
}
