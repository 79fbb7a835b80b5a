/** The device that a plan is made for: this machine's, or a card that is somewhere else. */
import type { Encoder } from '../encoder/encoder.js';
import { type BackendName, createEncoder } from '../encoder/select.js';
import { createSimulatedEncoder } from '../encoder/sim/create-encoder.js';
import {
  cardNamed,
  SIMULATED_CARDS,
  type SimulatedCardName,
  simulatedCardOf,
} from '../encoder/sim/profiles.js';
import { cudaMemGetInfo, listDevices } from '../encoder/tensorrt/devices.js';
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { RunSettings } from '../pipeline/options.js';

/** A card by its name, or any card with so much memory. */
export type PlanTarget = { readonly card: SimulatedCardName } | { readonly vramBytes: number };

export interface PlanDevice {
  readonly encoder: Encoder;
  /** Of the run that is planned: 'tensorrt', 'cpu'. */
  readonly backend: string;
  /** 'RTX 3060 12 GB', '2 threads' */
  readonly name: string;
  /** `exact`: what the backend itself says. `estimated`: by the network's layers, not by an engine of TensorRT's. */
  readonly memoryBasis: 'exact' | 'estimated';
  /** Whose published rate stands for its speed where nothing was measured; null when nobody's does. */
  readonly card: SimulatedCardName | null;
}

/** Where the memory of an unknown card is asked for, the model needs some card to compute with. */
const ANY_CARD: SimulatedCardName = 'rtx-3060';

/**
 * Nothing is encoded and no engine is built: a GPU is planned for by the simulated one with its memory.
 *
 * @throws LatentCacheError as `createEncoder`
 */
export async function openPlanDevice(
  weights: VaeEncoderWeights,
  settings: RunSettings,
  target: PlanTarget | undefined,
): Promise<PlanDevice> {
  if (target !== undefined) return simulate(weights, settings, target);
  const card = simulatedCardOf(settings.backend);
  if (card !== undefined) return simulate(weights, settings, { card });
  if (settings.backend === 'auto' || settings.backend === 'tensorrt') {
    const gpu = await findGpu(settings);
    if (gpu !== undefined) return simulateGpu(weights, settings, gpu);
  }
  const backend: BackendName = settings.backend === 'auto' ? 'cpu' : settings.backend;
  const { encoder } = await createEncoder(weights, {
    backend,
    consumeWeights: true,
    precision: settings.precision,
    accuracy: settings.accuracy,
    vramBudget: settings.vramBudget,
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
  });
  return {
    encoder,
    backend: encoder.info.backend,
    name: encoder.info.device,
    memoryBasis: 'exact',
    card: null,
  };
}

interface Gpu {
  readonly name: string;
  readonly free: number;
  readonly total: number;
}

async function findGpu({ backend, device, libraryDir }: RunSettings): Promise<Gpu | undefined> {
  try {
    const devices = await listDevices({ libraryFolders: libraryDir });
    const found = devices.find(({ index }) => index === device);
    if (found === undefined) throw new LatentCacheError('ERR_NO_DEVICE', `There is no GPU ${device}`);
    return { name: found.name, ...(await cudaMemGetInfo(device, { libraryFolders: libraryDir })) };
  } catch (error) {
    if (backend === 'tensorrt') throw error;
    return undefined;
  }
}

async function simulateGpu(
  weights: VaeEncoderWeights,
  settings: RunSettings,
  { name, free, total }: Gpu,
): Promise<PlanDevice> {
  const card = cardNamed(name);
  const words = `capacity=${total} others=0:${Math.max(0, total - free)}`;
  return {
    encoder: await simulated(weights, settings, card ?? ANY_CARD, words),
    backend: 'tensorrt',
    name,
    memoryBasis: 'estimated',
    card: card ?? null,
  };
}

async function simulate(
  weights: VaeEncoderWeights,
  settings: RunSettings,
  target: PlanTarget,
): Promise<PlanDevice> {
  if ('card' in target) {
    const { card } = target;
    const encoder = await simulated(weights, settings, card, '');
    return {
      encoder,
      backend: 'tensorrt',
      name: SIMULATED_CARDS[card].title,
      memoryBasis: 'estimated',
      card,
    };
  }
  const encoder = await simulated(weights, settings, ANY_CARD, `capacity=${target.vramBytes}`);
  return {
    encoder,
    backend: 'tensorrt',
    name: 'a card with so much memory',
    memoryBasis: 'estimated',
    card: null,
  };
}

function simulated(
  { architecture }: VaeEncoderWeights,
  { vramBudget, precision, residency, attentionChunks }: RunSettings,
  card: SimulatedCardName,
  words: string,
): Promise<Encoder> {
  return createSimulatedEncoder(architecture, {
    card,
    vramBudget,
    precision,
    settings: `pace=0 world=plan ${words}`,
    sliceAttention: residency === 'lowvram',
    ...(attentionChunks === undefined ? {} : { queryChunks: attentionChunks }),
  });
}
