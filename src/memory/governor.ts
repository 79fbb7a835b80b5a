/**
 * Keeps the encoder inside its memory, whatever it is: plans the batches of every bucket, makes them smaller when
 * another program takes memory, steps down when memory runs out all the same, and gives memory back between buckets.
 */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type {
  EncodeOptions,
  Encoder,
  EncoderInfo,
  EncoderMemory,
  ImageBatch,
  PlannedSize,
  PrepareOptions,
} from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';
import { mebibytes } from '../mebibytes.js';
import type { DeviceMemory } from '../native/binding.js';
import { describeMisfit } from './advice.js';
import { BatchChooser, RESERVE_BYTES } from './batch-chooser.js';
import type { EncoderSet } from './encoder-set.js';
import { type MemoryAction, type MemoryEvent, memoryEvent } from './events.js';
import { BatchHistory, type BucketHistory } from './history.js';
import { type EncodedBatch, joinBatches } from './join-moments.js';
import { Ladder } from './ladder.js';
import { isOutOfMemory, onceMore } from './out-of-memory.js';
import { type BucketPlan, type BucketPlans, planBuckets, residentBytes } from './plan-buckets.js';
import { releaseMemory } from './release.js';
import { SharedLock } from './shared-lock.js';
import { SpeedWatch } from './speed-watch.js';

/**
 * `default`: between buckets everything is freed that the next one does not need. `highvram`: engines and memory stay,
 * where the plan proves that they fit. `lowvram`: one image a run.
 */
export type Residency = 'default' | 'highvram' | 'lowvram';

export interface GovernorOptions {
  /** Images a run where memory allows it; `auto` is what the encoder prefers. */
  readonly batch: number | 'auto';
  readonly residency: Residency;
  /** Where an image goes that no other means could encode: to the CPU, or to the list of failures. */
  readonly oomFallback: 'cpu' | 'fail';
  readonly onEvent: (event: MemoryEvent) => void;
}

/** What the plan found before anything was encoded. */
export interface MemoryPlan extends BucketPlans {
  readonly budget: number;
  /** Of the device, at that time. */
  readonly device: DeviceMemory;
}

export interface MemoryReport {
  /** Bytes; null when the encoder knows nothing about its memory. */
  readonly budget: number | null;
  readonly peak: number | null;
  /** How often each thing was done. */
  readonly actions: Readonly<Partial<Record<MemoryAction, number>>>;
  readonly buckets: readonly BucketHistory[];
}

/** An encoder whose memory does not come back is started anew so often; after that it is somebody else's memory. */
const RESTARTS = 3;

/** A part of what the next bucket needs: buckets of nearly one size follow each other, and one may be a single image. */
const WORTH_FREEING = 1 / 8;

export class Governor implements AsyncDisposable {
  readonly #encoders: EncoderSet;
  readonly #options: GovernorOptions;
  readonly #lock = new SharedLock();
  readonly #chooser = new BatchChooser();
  readonly #history = new BatchHistory();
  readonly #speeds = new SpeedWatch();
  readonly #ladder: Ladder;
  readonly #actions = new Map<MemoryAction, number>();
  #prepared: { readonly sizes: readonly PlannedSize[]; readonly options: PrepareOptions } | undefined;
  #isResident = false;
  #bucket: Size | undefined;
  #restarts = 0;
  #peak = 0;

  constructor(encoders: EncoderSet, options: GovernorOptions) {
    this.#encoders = encoders;
    this.#options = options;
    this.#ladder = new Ladder({
      encoders,
      limits: this.#chooser.limits,
      fallback: options.oomFallback,
      run: (encoder, batch, runOptions) => this.#run(encoder, batch, runOptions),
      tell: (...event) => this.#tell(...event),
    });
    this.#chooser.attach(encoders.main.memory);
  }

  get info(): EncoderInfo {
    return this.#encoders.main.info;
  }

  /**
   * Lets the encoder prepare itself for these sizes and plans their batches.
   *
   * @returns null when the encoder knows nothing about its memory
   * @throws LatentCacheError what `Encoder.prepare` throws
   */
  async prepare(sizes: readonly PlannedSize[], options: PrepareOptions = {}): Promise<MemoryPlan | null> {
    this.#prepared = { sizes, options };
    const { main } = this.#encoders;
    await onceMore(async () => main.prepare?.(sizes, options));
    const wanted = this.#wantedBatch(main.info);
    const { memory } = main;
    if (memory === undefined) {
      for (const size of sizes) this.#chooser.limits.plan(size, wanted);
      return null;
    }
    const plans = await planBuckets(memory, sizes, wanted, memory.budget, this.#chooser.needs);
    for (const plan of plans.planned) this.#take(plan, memory.budget);
    if (this.#options.residency === 'highvram') this.#decideResidency(plans, wanted, memory);
    return { ...plans, budget: memory.budget, device: await memory.read() };
  }

  /** Images that the next run of this size should have. */
  async batchFor(size: Size): Promise<number> {
    if (this.#ladder.isDetoured(size)) return this.#chooser.limits.get(size);
    const { count, before, free } = await this.#chooser.choose(size);
    if (count < before) {
      const freeText = free === null ? '' : `, ${mebibytes(free)} are free`;
      this.#tell('squeezed', `Other programs take memory${freeText}: ${count} at once`, size, count);
      await this.#release(size);
    } else if (count > before) {
      this.#tell('larger', `Memory is free again: ${count} at once`, size, count);
    }
    return count;
  }

  /**
   * The run comes to another bucket: what it does not need is freed, unless that is too little to be worth the wait.
   *
   * @param settled waits for what was begun before
   */
  async enter(size: Size, settled: () => Promise<unknown> = async () => {}): Promise<void> {
    const last = this.#bucket;
    this.#bucket = size;
    const { memory } = this.#encoders.main;
    if (last === undefined || sizeName(last) === sizeName(size) || memory === undefined || this.#isResident)
      return;
    const needed = await this.#chooser.bytesFor(size);
    const held = Math.max(memory.held().used, await this.#chooser.bytesFor(last));
    if (held - needed <= needed * WORTH_FREEING && this.#options.residency !== 'lowvram') return;
    await settled();
    const missing = await this.#release(size);
    if (missing > 0) await this.#onLeak(missing);
  }

  /**
   * Encodes images of one size, if need be in smaller batches or by another encoder.
   *
   * @throws LatentCacheError (as rejection) ERR_DEVICE_OUT_OF_MEMORY or ERR_OUT_OF_MEMORY when nothing helped; all
   * else that `Encoder.encodeBatch` throws.
   */
  async encode(batch: ImageBatch, options: EncodeOptions = {}): Promise<EncodedBatch> {
    if (this.#ladder.isDetoured(batch)) {
      return this.#lock.alone(async () => {
        if (await this.#chooser.hasRoomFor(batch)) this.#ladder.returnToMain(batch);
        return this.#ladder.encode(batch, options);
      });
    }
    try {
      return await this.#lock.shared(() => this.#run(this.#encoders.main, batch, options));
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      // alone: nothing else takes memory meanwhile, and what is freed is free
      return this.#lock.alone(async () => {
        this.#chooser.forget();
        return this.#ladder.descend(batch, error, options);
      });
    }
  }

  /** The same in float32; null when the encoder computes in float32 already. */
  async encodePrecisely(batch: ImageBatch, options: EncodeOptions = {}): Promise<EncodedBatch | null> {
    return this.#lock.alone(async () => {
      const encoder = await this.#ladder.standIn('precise');
      if (encoder === null) return null;
      try {
        const parts: EncodedBatch[] = [];
        for (const image of batch.images) {
          parts.push(await this.#run(encoder, { ...batch, images: [image] }, options));
        }
        return joinBatches(parts);
      } finally {
        await encoder.memory?.release(null);
      }
    });
  }

  report(): MemoryReport {
    this.#notePeak();
    const { memory } = this.#encoders.main;
    return {
      budget: memory?.budget ?? null,
      peak: memory === undefined ? null : this.#peak,
      actions: Object.fromEntries(this.#actions),
      buckets: this.#history.report(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#notePeak();
    await this.#encoders[Symbol.asyncDispose]();
  }

  async #run(encoder: Encoder, batch: ImageBatch, options: EncodeOptions): Promise<EncodedBatch> {
    const count = batch.images.length;
    const began = performance.now();
    const moments = await encoder.encodeBatch(batch, options);
    const seconds = (performance.now() - began) / 1000;
    if (encoder === this.#encoders.main) await this.#learn(batch, count, seconds);
    this.#history.add(batch, encoder === this.#encoders.main ? this.#chooser.allowed(batch) : 1, count);
    return { moments, by: batch.images.map(() => encoder.info) };
  }

  async #learn(size: Size, count: number, seconds: number): Promise<void> {
    const grown = this.#chooser.limits.succeeded(size, count);
    if (grown !== undefined)
      this.#tell('larger', `Memory was enough for a while: ${grown} at once`, size, grown);
    const slowdown = this.#speeds.note(size, count, seconds);
    if (slowdown === undefined || this.#encoders.main.memory?.kind !== 'device') return;
    const free = await this.#chooser.freeNow();
    if (free === null || free >= RESERVE_BYTES) return;
    const smaller = this.#chooser.limits.failed(size, count);
    this.#tell(
      'spill',
      `Runs are ${slowdown.toFixed(1)} times slower than before while only ${mebibytes(free)} of the device are free: ` +
        'the driver has moved memory to the host, as it does on Windows and WSL. ' +
        `Switch its "Sysmem Fallback Policy" off or close what else uses the GPU. ${smaller} at once`,
      size,
      smaller,
    );
  }

  #take(plan: BucketPlan, usable: number): void {
    this.#chooser.limits.plan(plan, Math.max(1, plan.batch));
    this.#history.plan(plan, plan.batch);
    if (plan.batch > 0) return;
    this.#ladder.neverFits(plan);
    this.#tell('does-not-fit', describeMisfit(plan, this.info, usable), plan, 0);
  }

  /** All or nothing: engines of all buckets, and every bucket in batches that memory does not cut. */
  #decideResidency(plans: BucketPlans, wanted: number, { budget }: EncoderMemory): void {
    const needed = residentBytes(plans, wanted);
    this.#isResident = needed <= budget && plans.refused.length === 0;
    if (this.#isResident) return;
    this.#tell(
      'not-resident',
      `--highvram does not fit: the engines of ${plans.planned.length} buckets and runs of ${wanted} take about ` +
        `${mebibytes(needed)}, ${mebibytes(budget)} may be used; going on in the default mode`,
    );
  }

  #wantedBatch({ preferredBatchSize }: EncoderInfo): number {
    if (this.#options.residency === 'lowvram') return 1;
    return this.#options.batch === 'auto' ? preferredBatchSize : this.#options.batch;
  }

  /** Frees what is not needed for this size; bytes that did not come back. A lost device is told by the next run. */
  async #release(size: Size): Promise<number> {
    return this.#lock.alone(async () => {
      const { memory } = this.#encoders.main;
      this.#chooser.forget();
      try {
        return memory === undefined ? 0 : await releaseMemory(memory, size);
      } catch (error) {
        if (error instanceof LatentCacheError) return 0;
        throw error;
      }
    });
  }

  async #onLeak(missing: number): Promise<void> {
    if (this.#restarts >= RESTARTS) return;
    this.#restarts++;
    this.#tell(
      'leak',
      `${mebibytes(missing)} of the device did not come back when they were freed: the encoder is started anew`,
    );
    this.#notePeak();
    await this.#lock.alone(async () => {
      await this.#encoders.restart();
      const { main } = this.#encoders;
      this.#chooser.attach(main.memory);
      if (this.#prepared !== undefined) await main.prepare?.(this.#prepared.sizes, this.#prepared.options);
    });
  }

  #notePeak(): void {
    const kind = this.#encoders.main.memory?.kind;
    for (const { memory } of this.#encoders.all) {
      // a stand-in on the CPU holds another kind of memory
      if (memory !== undefined && memory.kind === kind) this.#peak = Math.max(this.#peak, memory.held().peak);
    }
  }

  #tell(action: MemoryAction, message: string, bucket?: Size, batch?: number): void {
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
    this.#options.onEvent(memoryEvent(action, message, bucket, batch));
  }
}
