import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeDevice, OpenDeviceOptions } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';

/** The toy back-end of native/tests/doubles/toy_backend.h: a device on host memory, set up through LC_TOY. */
const doubles = fileURLToPath(new URL('../build-doubles/doubles', import.meta.url));
export const toyPlugin = path.join(doubles, 'liblatent_cache_toy.so');

export interface ToyCounters {
  readonly liveBytes: number;
  readonly liveEngines: number;
  readonly liveDevices: number;
  readonly runs: number;
  readonly mostInFlight: number;
  /** How the last device was opened: its threads, and the last processor that they are bound to. */
  readonly threads: number;
  readonly lastProcessor: number;
  /** The last breach of the plug-in interface; '' is none. */
  readonly misuse: string;
}

const counters = createRequire(import.meta.url)(path.join(doubles, 'toy_counters.node')) as {
  read(plugin: string): ToyCounters;
};

/** Of all devices of this process. */
export const toyCounters = () => counters.read(toyPlugin);

export const NOTHING_LEFT = { liveBytes: 0, liveEngines: 0, liveDevices: 0, misuse: '' };

/** `toy` is LC_TOY: 'run_ms=20,fail_alloc=1'. */
export async function openToy(toy = '', options: Partial<OpenDeviceOptions> = {}): Promise<NativeDevice> {
  process.env.LC_TOY = toy;
  return loadBinding().openDevice({
    plugin: toyPlugin,
    libraryFolders: [],
    device: 0,
    memoryBudget: 2 ** 26,
    slots: 2,
    ...options,
  });
}

export const PLAN = 'toy maxcount=4 maxheight=64 maxwidth=64 channels=8 stride=8 weights=1000';

/** Writes a plan where plans are: somewhere inside of a file. */
export function writePlan(folder: string, plan = PLAN) {
  const file = path.join(folder, 'engine');
  writeFileSync(file, `header${plan}trailer`);
  return { path: file, offset: 6, bytes: plan.length };
}

export const HEIGHT = 16;
export const WIDTH = 24;
const CHANNELS = 8;
const STRIDE = 8;
/** Floats that the toy gives for one image. */
export const ROW = CHANNELS * (HEIGHT / STRIDE) * (WIDTH / STRIDE);

/** Pixels (HEIGHT, WIDTH, 3) that differ from image to image. */
export function toyImage(seed: number): Uint8Array {
  return Uint8Array.from({ length: HEIGHT * WIDTH * 3 }, (_, index) => (index * 7 + seed * 31) % 256);
}

/** What the toy's header promises for one image. */
export function toyRow(image: Uint8Array): Float32Array {
  const row: number[] = [];
  for (let channel = 0; channel < CHANNELS; channel++)
    for (let y = 0; y < HEIGHT; y += STRIDE)
      for (let x = 0; x < WIDTH; x += STRIDE) row.push(image[(y * WIDTH + x) * 3 + (channel % 3)]! + channel);
  return Float32Array.from(row);
}
