/** How fast this machine was in earlier runs, so that a plan can say how long the next one takes. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../cache/atomic-file.js';
import type { EncoderInfo } from '../encoder/encoder.js';
import { userCacheFolder } from '../encoder/user-cache-folder.js';
import type { NativeBinding } from '../native/binding.js';

/** What encoded, as far as its speed depends on it. */
export type RateKey = Pick<EncoderInfo, 'backend' | 'device' | 'precision'>;

export interface MeasuredRate {
  /** Of the encoder's arithmetic, over the whole run: reading, encoding, writing. */
  readonly operationsPerSecond: number;
  /** That were encoded in that run. */
  readonly images: number;
  /** ISO 8601. */
  readonly date: string;
}

/** Shorter runs say more about starting than about encoding. */
const MIN_IMAGES = 20;
const MIN_SECONDS = 10;
const MOST_BYTES = 2 ** 20;

export class MeasuredRates {
  readonly #file: string;

  constructor(folder = userCacheFolder()) {
    this.#file = path.join(folder, 'rates.json');
  }

  /** Undefined when nothing is known, for whatever reason. */
  async find(key: RateKey): Promise<MeasuredRate | undefined> {
    return (await this.#read()).get(nameOf(key));
  }

  /**
   * Notes a run. Nothing is noted of a short one, nor when the file cannot be written: the rate is a convenience.
   *
   * @param seconds that encoding took, from the first image to the last
   */
  async note(
    key: RateKey,
    run: { readonly operations: number; readonly images: number; readonly seconds: number },
    files: Pick<NativeBinding, 'writeFileAtomic'>,
  ): Promise<void> {
    if (run.images < MIN_IMAGES || run.seconds < MIN_SECONDS) return;
    const rates = await this.#read();
    rates.set(nameOf(key), {
      operationsPerSecond: run.operations / run.seconds,
      images: run.images,
      date: new Date().toISOString(),
    });
    try {
      await mkdir(path.dirname(this.#file), { recursive: true });
      await writeFileAtomic(this.#file, [Buffer.from(JSON.stringify(Object.fromEntries(rates)))], files);
    } catch {
      // the next run will measure again
    }
  }

  async #read(): Promise<Map<string, MeasuredRate>> {
    try {
      const text = await readFile(this.#file, 'utf8');
      if (text.length > MOST_BYTES) return new Map();
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed !== 'object' || parsed === null) return new Map();
      return new Map(
        Object.entries(parsed).filter((pair): pair is [string, MeasuredRate] => isRate(pair[1])),
      );
    } catch {
      return new Map();
    }
  }
}

function nameOf({ backend, device, precision }: RateKey): string {
  return `${backend}, ${device}, ${precision}`;
}

function isRate(value: unknown): value is MeasuredRate {
  if (typeof value !== 'object' || value === null) return false;
  const { operationsPerSecond, images, date } = value as Partial<Record<keyof MeasuredRate, unknown>>;
  return (
    typeof operationsPerSecond === 'number' &&
    operationsPerSecond > 0 &&
    typeof images === 'number' &&
    typeof date === 'string'
  );
}
