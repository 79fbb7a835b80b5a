/**
 * How far activations go: sample images run through a float32 network that answers with the largest value of each
 * layer; from these come the scales of the fp16 network.
 */

import { throwIfAborted } from '../../abort.js';
import { LatentCacheError } from '../../errors.js';
import type { NativeDevice } from '../../native/binding.js';
import type { PreparationProgress, SampleImage } from '../encoder.js';
import { CALIBRATION_SIZE, calibrationImages } from './calibration-images.js';
import type { DeviceEngines } from './device-engines.js';
import { shapeOf, staticSpec } from './engine-spec.js';
import type { EngineStore } from './engine-store.js';
import type { Networks } from './networks.js';
import type { ScaleFile } from './scale-file.js';

export interface CalibratorParts {
  readonly networks: Networks;
  readonly store: EngineStore;
  readonly engines: DeviceEngines;
  readonly device: NativeDevice;
  readonly scales: ScaleFile;
}

/** Not used by any other run: those count from 1. */
const TICKET = 0;

export class Calibrator {
  readonly #parts: CalibratorParts;

  constructor(parts: CalibratorParts) {
    this.#parts = parts;
  }

  /**
   * Gives the networks their scales, once: those of an earlier run, or new ones from samples. Nothing else may use the
   * device's engines meanwhile.
   */
  async calibrate(
    samples: () => Promise<readonly SampleImage[]>,
    onProgress: ((progress: PreparationProgress) => void) | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { networks, scales } = this.#parts;
    if (networks.rescaling !== undefined) return;
    if (networks.probeLength === 0) {
      networks.setRescaling({ exponents: [] });
      return;
    }
    const lock = await scales.lock(signal);
    try {
      let rescaling = await scales.read();
      // another version of this package may know other feature maps
      if (rescaling?.exponents.length !== networks.probeLength) {
        const maxima = await this.#measure(calibrationImages(await samples()), onProgress, signal);
        rescaling = networks.chooseRescaling(maxima);
        await scales.write(rescaling);
      }
      networks.setRescaling(rescaling);
    } finally {
      await lock.release();
    }
  }

  /** The largest values of each image, in the order of the probe network's output. */
  async #measure(
    images: readonly Uint8Array[],
    onProgress: ((progress: PreparationProgress) => void) | undefined,
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const { store, engines, device, networks } = this.#parts;
    const { width, height } = CALIBRATION_SIZE;
    const spec = staticSpec('calibration', 'fp32', CALIBRATION_SIZE);
    const place = { purpose: 'calibration', size: null, index: 1, total: 1 } as const;
    const engine = await store.obtain(spec, {
      signal,
      onProgress: (tick) => onProgress?.({ ...place, ...tick }),
    });
    const started = performance.now();
    const { id } = await engines.ready(engine, shapeOf(CALIBRATION_SIZE, 1));
    const maxima: Float32Array[] = [];
    for (const image of images) {
      throwIfAborted(signal, 'encoding');
      const seconds = (performance.now() - started) / 1000;
      onProgress?.({
        ...place,
        phase: `Looking at sample ${maxima.length + 1} of ${images.length}`,
        seconds,
      });
      const row = new Float32Array(networks.probeLength);
      await device.encode(TICKET, id, [image], height, width, row);
      if (!row.every(Number.isFinite)) throw notFinite();
      maxima.push(row);
    }
    await engines.freeAllBut(undefined);
    return maxima;
  }
}

function notFinite(): LatentCacheError {
  return new LatentCacheError(
    'ERR_NON_FINITE',
    'The VAE gives NaN or infinity for sample images in float32',
    {
      remedy: 'Use another VAE file.',
    },
  );
}
