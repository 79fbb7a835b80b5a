/** The CPU backend on oneDNN: pixels in, moments out, the work spread over NUMA nodes where there are several. */
import type { NativeBinding } from '../../native/binding.js';
import {
  checkBatch,
  type EncodeOptions,
  type Encoder,
  type EncoderInfo,
  type ImageBatch,
  type Moments,
} from '../encoder.js';
import { Lifetime } from '../lifetime.js';
import { emptyRows, type LogvarClamp, splitRows } from '../split-rows.js';
import type { NodeEngine } from './node-engine.js';
import { OnednnMemory } from './onednn-memory.js';

export interface OnednnParts {
  readonly info: EncoderInfo;
  readonly precisionReason: string | null;
  /** What the reference encoder clamps the log variance to. */
  readonly logvarClamp: LogvarClamp;
  readonly binding: Pick<NativeBinding, 'splitMoments'>;
  /** At least one; all alike. */
  readonly nodes: readonly NodeEngine[];
}

export class OnednnEncoder implements Encoder {
  readonly info: EncoderInfo;
  readonly memory: OnednnMemory;
  /** Why it computes in this precision; null when it was asked for. */
  readonly precisionReason: string | null;
  readonly #parts: OnednnParts;
  readonly #life = new Lifetime();

  constructor(parts: OnednnParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.precisionReason = parts.precisionReason;
    const { nodes, info } = parts;
    this.memory = new OnednnMemory({ nodes, stride: info.stride, life: this.#life });
  }

  /**
   * As `Encoder` says. A call goes to the NUMA node with the fewest images waiting, and keeps its place there. More
   * images than fit the memory budget are encoded in several runs.
   *
   * @throws LatentCacheError (as rejection) besides those of `Encoder`: ERR_DEVICE_OUT_OF_MEMORY with `bytesAsked` and
   * `bytesFree` when one image does not fit; nothing was computed then, and the encoder stays usable.
   */
  async encodeBatch(batch: ImageBatch, { signal }: EncodeOptions = {}): Promise<Moments> {
    const { latentChannels: channels, stride } = this.info;
    checkBatch(batch, stride);
    return this.#life.guard(signal, async (abort) => {
      const { images, width, height } = batch;
      const shape = { count: images.length, channels, width: width / stride, height: height / stride };
      const rows = emptyRows(shape);
      const size = { width, height };
      await this.#leastBusy().encode({ images, size, rows: rows.values, signal: abort });
      return splitRows(rows, this.#parts.logvarClamp, this.#parts.binding).moments;
    });
  }

  dispose(): Promise<void> {
    return this.#life.end(async () => {
      await Promise.all(this.#parts.nodes.map((node) => node.close()));
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #leastBusy(): NodeEngine {
    return this.#parts.nodes.reduce((best, node) => (node.waiting < best.waiting ? node : best));
  }
}
