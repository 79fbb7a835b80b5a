/** What the build tests share: scratch folders, drawn images, an encoder that shows which pixels it was given. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach } from 'vitest';
import { readNpyNumbers } from '#dist/cache/npy.js';
import type { BuildEvent, BuildOptions, Encoder, ImageBatch, SummaryEvent } from '#dist/index.js';
import { buildCache } from '#dist/index.js';
import { readCache } from '#dist/trainers/sd-scripts/read-npz.js';

/** A new empty folder for each test. */
export function useScratchFolder(): () => string {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  return () => folder;
}

export interface FakeEncoder extends Encoder {
  readonly batches: ImageBatch[];
}

/**
 * Latent cell (c, y, x) is the value of channel c of the pixel in the cell's corner; the fourth channel is the first
 * again, and so on. `change` may spoil the result or throw.
 */
export function fakeEncoder(
  change: (mean: Float32Array, batch: ImageBatch) => void | Promise<void> = () => {},
  { channels = 4, stride = 8 } = {},
): FakeEncoder {
  const batches: ImageBatch[] = [];
  return {
    batches,
    info: {
      backend: 'fake',
      device: 'test',
      precision: 'fp32',
      latentChannels: channels,
      stride,
      callsAtOnce: 1,
      preferredBatchSize: 1,
      runtime: 'test',
    },
    async encodeBatch(batch) {
      batches.push(batch);
      const count = batch.images.length;
      const width = batch.width / stride;
      const height = batch.height / stride;
      const mean = new Float32Array(count * channels * width * height);
      let at = 0;
      for (const pixels of batch.images) {
        for (let c = 0; c < channels; c++) {
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const pixel = y * stride * batch.width + x * stride;
              mean[at++] = pixels[pixel * 3 + (c % 3)]!;
            }
          }
        }
      }
      await change(mean, batch);
      return { mean, logvar: new Float32Array(mean.length), count, channels, width, height };
    },
    async dispose() {},
    async [Symbol.asyncDispose]() {},
  };
}

export async function drawImage(file: string, width: number, height: number, shade = 100): Promise<string> {
  const background = { r: shade, g: 255 - shade, b: 30 };
  await sharp({ create: { width, height, channels: 3, background } }).toFile(file);
  return file;
}

/** What a folder holds, without the run's own `.latent-cache`; sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== '.latent-cache').sort();
}

export interface Outcome {
  readonly events: BuildEvent[];
  readonly summary: SummaryEvent;
  /** code → count */
  readonly notices: Record<string, number>;
  /** base name → code */
  readonly failures: Record<string, string>;
}

/** Runs a build with the fake encoder, 256 pixels a side, and gathers its events. */
export async function build(
  folder: string,
  options: Partial<BuildOptions> = {},
  encoder: Encoder = fakeEncoder(),
): Promise<Outcome> {
  const events: BuildEvent[] = [];
  const defaults = {
    inputs: [folder],
    model: 'sdxl',
    resolution: 256,
    encoder: { encoder, fingerprint: 'fake' },
  } as const;
  for await (const event of buildCache({ ...defaults, ...options })) events.push(event);
  const summary = events.at(-1);
  if (summary?.type !== 'summary') throw new Error('the last event is no summary');
  const notices = events.filter((event) => event.type === 'notice').map(({ code, count }) => [code, count]);
  const failures = summary.failures.map((failure) => [path.basename(failure.path), failure.code]);
  return { events, summary, notices: Object.fromEntries(notices), failures: Object.fromEntries(failures) };
}

/** key → numbers of a cache file. */
export async function readNumbers(
  file: string,
): Promise<Record<string, { shape: number[]; values: number[] }>> {
  const cache = await readCache(file);
  if (cache === undefined) throw new Error(`no ${file}`);
  return Object.fromEntries(
    [...cache.arrays].map(([key, { npy }]) => {
      const { header, values } = readNpyNumbers(npy);
      return [key, { shape: [...header.shape], values: [...values] }];
    }),
  );
}
