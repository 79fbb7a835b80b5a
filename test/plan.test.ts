import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { type DatasetPlanOptions, planDataset } from '#dist/plan/plan-dataset.js';
import { drawImage, useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();
const GIB = 2 ** 30;
let images: string;
let vae: string;

beforeEach(async () => {
  process.env.XDG_CACHE_HOME = path.join(scratch(), 'cache');
  images = path.join(scratch(), 'images');
  vae = path.join(scratch(), 'vae.safetensors');
  await mkdir(images);
  await drawImage(path.join(images, 'a.png'), 1024, 1024);
  await drawImage(path.join(images, 'b.png'), 1024, 1024);
  await drawImage(path.join(images, 'wide.png'), 1280, 768);
  await writeSeededVae(vae, { seed: 5, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
});

function plan(options: Partial<DatasetPlanOptions> = {}) {
  return planDataset({
    inputs: [images],
    model: 'sdxl',
    vae,
    resolution: 1024,
    enableBucket: true,
    ...options,
  });
}

describe('a plan for a card', () => {
  it('has its memory, batches that fit it, and a time that says that it is estimated', async () => {
    const { device, buckets, time } = await plan({ target: { card: 'rtx-3060' } });
    expect(device).toMatchObject({ name: 'RTX 3060 12 GB', total: 12 * GIB, memoryBasis: 'estimated' });
    expect(buckets.map(({ images: count }) => count)).toEqual([2, 1]);
    for (const { batch, bytes } of buckets) {
      expect(batch).toBeGreaterThanOrEqual(1);
      expect(bytes).toBeLessThanOrEqual(device?.budget ?? 0);
    }
    expect(time.basis).toBe('estimated');
    expect(time.source).toContain('not measured');
  });

  it('says in numbers what does not fit', async () => {
    const { buckets, memoryWarnings } = await plan({
      target: { vramBytes: GIB + 2 ** 29 },
      precision: 'fp32',
    });
    expect(buckets[0]?.batch).toBe(0);
    expect(memoryWarnings[0]).toMatch(/1024x1024 needs \d+ MiB.*may be used.*--precision fp16/);
  });
});

describe('a plan for this machine', () => {
  it('has the exact needs of the CPU backend, and no time before anything was measured', async () => {
    const { device, time } = await plan({ backend: 'cpu' });
    expect(device).toMatchObject({ backend: 'cpu', memoryBasis: 'exact' });
    expect(time).toMatchObject({ seconds: null, basis: 'unknown' });
  });

  it('names what is unusable and what is remarkable', async () => {
    await writeFile(path.join(images, 'empty.png'), '');
    const { failures, total } = await plan({ target: { card: 'rtx-4090' } });
    expect(total).toBe(4);
    expect(failures).toMatchObject([{ code: 'ERR_IMAGE_EMPTY', path: path.join(images, 'empty.png') }]);
  });

  it('touches nothing', async () => {
    const before = await readdir(images);
    await plan({ backend: 'cpu' });
    expect(await readdir(images)).toEqual(before);
  });
});
