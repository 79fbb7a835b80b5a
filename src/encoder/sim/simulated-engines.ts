/** Engines of the simulated GPU: small texts in a folder of their own. Compiling them takes no time. */
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Size } from '../../dataset/bucket.js';
import { strideOf, type VaeArchitecture } from '../../model/architecture.js';
import { tensorsOf } from '../../model/layers.js';
import { layersOf } from '../../model/topology.js';
import type { EngineShape, NativeBinding, OpenDeviceOptions, PlanLocation } from '../../native/binding.js';
import type { CachedEngine } from '../tensorrt/engine-cache.js';
import type { EngineRecord } from '../tensorrt/engine-record.js';
import type { EngineSource } from '../tensorrt/engine-source.js';
import { describeSpec, type EngineSpec, RUN_COUNTS, shapeOf } from '../tensorrt/engine-spec.js';
import { estimateRunBytes } from '../tensorrt/memory-estimate.js';
import { type QueryChunks, queryChunksFor } from '../tensorrt/networks.js';
import { ELEMENT_TYPES } from '../tensorrt/precision.js';
import { costOf } from './work.js';

export interface SimulatedEnginesParts {
  readonly architecture: VaeArchitecture;
  readonly queryChunks: QueryChunks;
  /** Bytes of device memory for engines and runs. */
  readonly memoryBudget: number;
  readonly binding: Pick<NativeBinding, 'openDevice'>;
  /** A device without faults, on which engines are measured. */
  readonly measuring: OpenDeviceOptions;
  readonly title: string;
}

/** Convolutions address elements with 32 bits. */
const MOST_ELEMENTS = 2 ** 31;

export class SimulatedEngines implements EngineSource {
  readonly #engines = new Map<string, CachedEngine>();

  private constructor(
    private readonly parts: SimulatedEnginesParts,
    private readonly folder: string,
  ) {}

  static async open(parts: SimulatedEnginesParts): Promise<SimulatedEngines> {
    return new SimulatedEngines(parts, await mkdtemp(path.join(tmpdir(), 'latent-cache-sim-')));
  }

  allows(size: Size): boolean {
    return this.#isAddressable(shapeOf(size, 1));
  }

  async find(spec: EngineSpec): Promise<CachedEngine | undefined> {
    return this.#engines.get(describeSpec(spec));
  }

  async obtain(spec: EngineSpec): Promise<CachedEngine> {
    const found = await this.find(spec);
    if (found !== undefined) return found;
    const key = describeSpec(spec);
    const count = this.#chooseCount(spec);
    const text = this.#planOf(spec, count);
    const file = path.join(this.folder, `${this.#engines.size}.plan`);
    await writeFile(file, text);
    const plan = { path: file, offset: 0, bytes: Buffer.byteLength(text) };
    const shapes = spec.sizes.flatMap((size) =>
      Array.from({ length: count }, (_, index) => shapeOf(size, index + 1)),
    );
    const engine: CachedEngine = {
      key,
      plan,
      record: {
        description: `${key}, up to ${count}`,
        device: this.parts.title,
        runtime: `simulated ${this.parts.title}`,
        minimum: shapeOf(spec.smallest, 1),
        optimum: shapeOf(spec.typical, count),
        maximum: shapeOf(spec.largest, count),
        ...(await this.#measure(plan, shapes)),
        exponents: null,
        buildSeconds: 0,
      },
    };
    this.#engines.set(key, engine);
    return engine;
  }

  async discard({ key, plan }: CachedEngine): Promise<void> {
    this.#engines.delete(key);
    await unlink(plan.path).catch(() => {});
  }

  /** Removes the folder. */
  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Exact bytes, from the device itself, as a build measures them. */
  async #measure(
    plan: PlanLocation,
    shapes: readonly EngineShape[],
  ): Promise<Pick<EngineRecord, 'weightBytes' | 'memory'>> {
    const device = await this.parts.binding.openDevice(this.parts.measuring);
    try {
      const { id, weightBytes } = await device.loadEngine(plan);
      const measure = async (shape: EngineShape) => ({ shape, ...(await device.memoryFor(id, shape)) });
      return { weightBytes, memory: await Promise.all(shapes.map(measure)) };
    } finally {
      await device.close();
    }
  }

  #planOf({ precision, smallest, largest }: EngineSpec, count: number): string {
    const { architecture, queryChunks } = this.parts;
    const stride = strideOf(architecture);
    const parameters = tensorsOf(layersOf(architecture)).reduce(
      (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
      0,
    );
    const words = {
      precision,
      chunks: queryChunksFor(largest, stride, queryChunks),
      maxcount: count,
      minheight: smallest.height,
      maxheight: largest.height,
      minwidth: smallest.width,
      maxwidth: largest.width,
      channels: 2 * architecture.latentChannels,
      stride,
      weights: parameters * (ELEMENT_TYPES[precision] === 'float32' ? 4 : 2),
      ...costOf(architecture),
    };
    return `sim ${Object.entries(words)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')}`;
  }

  /** The most images that operators can address and that will probably fit. */
  #chooseCount({ purpose, precision, largest }: EngineSpec): number {
    if (purpose === 'retry') return 1;
    const { architecture, memoryBudget } = this.parts;
    const suits = (shape: EngineShape) =>
      this.#isAddressable(shape) && estimateRunBytes(architecture, precision, shape) <= memoryBudget;
    return RUN_COUNTS.find((count) => count === 1 || suits(shapeOf(largest, count)))!;
  }

  #isAddressable({ count, height, width }: EngineShape): boolean {
    return this.parts.architecture.widths[0]! * count * height * width < MOST_ELEMENTS;
  }
}
