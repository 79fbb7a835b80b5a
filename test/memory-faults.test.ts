/** Real latents from the native CPU backend while each request for memory fails in turn. */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import type { BuildEvent, NativeBinding } from '#dist/index.js';
import { buildCache, loadBinding } from '#dist/index.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage, useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();
const onednn = findPlugins(['liblatent_cache_onednn.so'])[0];
const failing = fileURLToPath(
  new URL('../build-doubles/doubles/liblatent_cache_failing.so', import.meta.url),
);

/** The addon, with the failing back-end in the place of the one that it wraps. */
function failingBinding(): NativeBinding {
  const real = loadBinding();
  const wrapped = <T extends { plugin: string }>(options: T): T => ({ ...options, plugin: failing });
  return new Proxy(real, {
    get(target, name: keyof NativeBinding) {
      switch (name) {
        case 'openDevice':
          return (options: Parameters<NativeBinding['openDevice']>[0]) => real.openDevice(wrapped(options));
        case 'probeBackend':
          return (options: Parameters<NativeBinding['probeBackend']>[0]) =>
            real.probeBackend(wrapped(options));
        case 'backendMemory':
          return (options: Parameters<NativeBinding['backendMemory']>[0], device: number) =>
            real.backendMemory(wrapped(options), device);
        default:
          return target[name];
      }
    },
  });
}

let images: string;
let vae: string;
let report: string;

beforeEach(async () => {
  images = path.join(scratch(), 'images');
  vae = path.join(scratch(), 'vae.safetensors');
  report = path.join(scratch(), 'report.txt');
  await mkdir(images);
  for (const [index, [width, height]] of [
    [64, 64],
    [64, 64],
    [64, 64],
    [96, 64],
    [96, 64],
  ].entries()) {
    await drawImage(path.join(images, `${index}.png`), width!, height!, 20 * index);
  }
  await writeSeededVae(vae, { seed: 5, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  process.env.LC_FAILING_PLUGIN = onednn;
  process.env.LC_FAILING_REPORT = report;
});

/** Requests and bytes not given back, when the last device was closed. */
async function ledger(): Promise<{ requests: number; live: number }> {
  const lines = (await readFile(report, 'utf8').catch(() => '0 0')).trim().split('\n');
  const [requests = 0, live = 0] = lines.at(-1)!.split(' ').map(Number);
  return { requests, live };
}

async function lastEvent(events: AsyncIterable<BuildEvent>): Promise<BuildEvent | undefined> {
  let last: BuildEvent | undefined;
  for await (const event of events) last = event;
  return last;
}

async function run(name: string, failAt: number) {
  const folder = path.join(scratch(), name);
  await cp(images, folder, { recursive: true, preserveTimestamps: true });
  process.env.LC_FAILING_AT = String(failAt);
  const summary = await lastEvent(
    buildCache({
      inputs: [folder],
      model: 'sdxl',
      vae,
      backend: 'onednn',
      threads: 1,
      resolution: 64,
      enableBucket: true,
      minBucketReso: 64,
      bucketResoSteps: 32,
      vaeBatchSize: 2,
      flipAug: true,
      binding: failingBinding(),
    }),
  );
  const files = (await readdir(folder)).filter((file) => file.endsWith('.npz')).sort();
  const bytes = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'base64')));
  return { summary, caches: Object.fromEntries(files.map((file, index) => [file, bytes[index]])) };
}

describe.skipIf(onednn === undefined)('with every request for memory failing in turn', () => {
  it('each run completes with the bytes of an undisturbed one, and gives everything back', async () => {
    const undisturbed = await run('undisturbed', 0);
    expect(undisturbed.summary).toMatchObject({ encoded: 5, failed: 0 });
    const { requests } = await ledger();
    expect(requests).toBeGreaterThan(3);
    for (let k = 1; k <= requests; k++) {
      const before = (await ledger()).requests;
      const { summary, caches } = await run(`failing ${k}`, before + k);
      expect(summary, `request ${k} of ${requests}`).toMatchObject({
        encoded: 5,
        failed: 0,
        remaining: 0,
      });
      expect(caches, `request ${k} of ${requests}`).toEqual(undisturbed.caches);
      expect((await ledger()).live, `request ${k} of ${requests}`).toBe(0);
    }
    console.log(`native CPU back-end: each of ${requests} requests for memory failed once, 0 images lost`);
  }, 120_000);
});
