/** Samples a device while it works: its memory, and through NVML clocks, power and temperature. */
import type { EncoderMemory } from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding, NvmlDevice, NvmlStatus } from '../native/binding.js';

export type NvmlBinding = Partial<Pick<NativeBinding, 'nvmlStatus'>>;

const INTERVAL_MS = 200;

/** What NVML says of one card now; null where it says nothing. */
export async function readNvml(
  binding: NvmlBinding,
  libraryFolders: readonly string[],
  pciBusId: string,
): Promise<{ status: NvmlStatus; device: NvmlDevice } | null> {
  try {
    const status = await binding.nvmlStatus?.({ libraryFolders });
    const device = status?.devices.find((card) => samePci(card.pciBusId, pciBusId));
    return status === undefined || device === undefined ? null : { status, device };
  } catch (error) {
    if (error instanceof LatentCacheError) return null;
    throw error;
  }
}

/** Domains are written with four or eight digits. */
function samePci(a: string, b: string): boolean {
  const plain = (id: string) => id.toLowerCase().replace(/^0+/, '');
  return plain(a) === plain(b);
}

export interface Watched {
  /** Bytes of the whole device, other programs included; null when nothing tells. */
  readonly usedPeak: number | null;
  /** Bytes that the encoder held; null when it does not tell. */
  readonly heldPeak: number | null;
  readonly samples: readonly NvmlDevice[];
}

export class GpuWatch {
  readonly #memory: EncoderMemory | undefined;
  readonly #readNvml: () => Promise<NvmlDevice | null>;
  readonly #samples: NvmlDevice[] = [];
  #usedPeak: number | null = null;
  #heldPeak: number | null = null;
  #isOver = false;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  constructor(memory: EncoderMemory | undefined, nvml: () => Promise<NvmlDevice | null>) {
    this.#memory = memory;
    this.#readNvml = nvml;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<Watched> {
    this.#isOver = true;
    this.#wake();
    await this.#running;
    await this.#sample();
    return { usedPeak: this.#usedPeak, heldPeak: this.#heldPeak, samples: this.#samples };
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#sample();
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, INTERVAL_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** A sample that cannot be taken is left out: what is wrong with the device, encoding tells. */
  async #sample(): Promise<void> {
    const memory = this.#memory;
    if (memory !== undefined) this.#heldPeak = Math.max(this.#heldPeak ?? 0, memory.held().used);
    // of a whole machine's main memory, what is in use says nothing
    const device = memory?.kind === 'device' ? await memory.read().catch(() => undefined) : undefined;
    if (device !== undefined) this.#usedPeak = Math.max(this.#usedPeak ?? 0, device.total - device.free);
    const sample = await this.#readNvml();
    if (sample !== null) this.#samples.push(sample);
  }
}
