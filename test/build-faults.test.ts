import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { build, drawImage, fakeEncoder, namesIn, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

/** One good image beside the bad one: the run must go on. */
async function failureBesideGoodOne(name: string): Promise<string | undefined> {
  await drawImage(inside('good.png'), 256, 256);
  const { failures, summary } = await build(folder());
  expect(summary.encoded).toBe(1);
  for (const { remedy, path: file } of summary.failures) {
    expect(remedy).toBeTruthy();
    expect(file).toBe(inside(name));
  }
  return failures[name];
}

describe('a bad image lands in the summary and the rest goes on', () => {
  it('truncated', async () => {
    const whole = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await writeFile(inside('bad.jpg'), whole.subarray(0, whole.length * 0.9));
    expect(await failureBesideGoodOne('bad.jpg')).toBe('ERR_IMAGE_CORRUPT');
  });

  it('empty', async () => {
    await writeFile(inside('bad.png'), '');
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_EMPTY');
  });

  it('no image at all', async () => {
    await writeFile(inside('bad.png'), 'some text');
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_FORMAT');
  });

  it('a drawing that Pillow does not read', async () => {
    await writeFile(inside('bad.png'), '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>');
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_FORMAT');
  });

  it('a folder named like an image', async () => {
    await mkdir(inside('bad.png'));
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_NOT_A_FILE');
  });

  it('a broken link', async () => {
    await symlink(inside('nowhere.png'), inside('bad.png'));
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_MISSING');
  });

  it.skipIf(process.getuid?.() === 0)('unreadable (root reads everything)', async () => {
    await drawImage(inside('bad.png'), 256, 256);
    await chmod(inside('bad.png'), 0);
    expect(await failureBesideGoodOne('bad.png')).toBe('ERR_IMAGE_UNREADABLE');
  });

  it('more pixels than allowed', async () => {
    await drawImage(inside('bad.png'), 600, 600);
    await drawImage(inside('good.png'), 256, 256);
    const { failures, summary } = await build(folder(), { maxPixels: 100_000 });
    expect(failures).toEqual({ 'bad.png': 'ERR_IMAGE_TOO_LARGE' });
    expect(summary.encoded).toBe(1);
  });

  it('smaller than a bucket step', async () => {
    await drawImage(inside('bad.png'), 200, 20);
    await drawImage(inside('good.png'), 256, 256);
    const options = { enableBucket: true, bucketNoUpscale: true };
    expect((await build(folder(), options)).failures).toEqual({ 'bad.png': 'ERR_IMAGE_TOO_SMALL' });
  });

  it('a name that leaves no room for size and suffix', async () => {
    const name = `${'x'.repeat(245)}.png`;
    await drawImage(inside('short.png'), 256, 256);
    await rename(inside('short.png'), inside(name));
    expect((await build(folder())).failures).toEqual({ [name]: 'ERR_NAME_TOO_LONG' });
  });

  it('a good image under the wrong extension is good', async () => {
    const jpeg = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await writeFile(inside('a.png'), jpeg);
    expect((await build(folder())).summary.encoded).toBe(1);
  });
});

describe('an encoder that fails', () => {
  it('costs only the image that it fails on, not its batch', async () => {
    for (const shade of [1, 2, 3, 4]) await drawImage(inside(`a${shade}.png`), 256, 256, shade);
    const encoder = fakeEncoder((_mean, { images }) => {
      if (images.some((pixels) => pixels[0] === 3)) throw new Error('no 3');
    });
    const { failures, summary } = await build(folder(), { vaeBatchSize: 4 }, encoder);
    expect(failures).toEqual({ 'a3.png': 'ERR_ENCODER' });
    expect(summary.encoded).toBe(3);
  });

  it('is given up after three images in a row, and says what is left', async () => {
    for (let index = 0; index < 30; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    const encoder = fakeEncoder(() => {
      throw new Error('gone');
    });
    const { summary } = await build(folder(), {}, encoder);
    expect(summary.stoppedBy?.code).toBe('ERR_ENCODER');
    expect(summary.failed + summary.remaining).toBe(30);
    expect(summary.remaining).toBeGreaterThan(20);
  });

  it('has moments of another shape refused', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const wrong = fakeEncoder();
    const encoder = {
      ...wrong,
      encodeBatch: async () => ({ ...(await wrong.encodeBatch(small)), count: 1 }),
    };
    const small = { images: [new Uint8Array(64 * 3)], width: 8, height: 8 };
    expect((await build(folder(), {}, encoder)).failures).toEqual({ 'a.png': 'ERR_ENCODER' });
  });

  it('has its NaN refused: nothing is written', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const encoder = fakeEncoder((mean) => {
      mean[77] = Number.NaN;
    });
    const { failures } = await build(folder(), {}, encoder);
    expect(failures).toEqual({ 'a.png': 'ERR_NON_FINITE' });
    expect(await namesIn(folder())).toEqual(['a.png']);
  });
});

describe('nothing can run', () => {
  const refusal = (options: Parameters<typeof build>[1]) => expect(build(folder(), options)).rejects;

  it('without images', async () => {
    await refusal({}).toMatchObject({ code: 'ERR_NO_INPUT' });
  });

  it('without the folder', async () => {
    await refusal({ inputs: [inside('nowhere')] }).toMatchObject({ code: 'ERR_NO_INPUT' });
  });

  it('with a resolution below min_bucket_reso', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await refusal({ enableBucket: true, minBucketReso: 512, maxBucketReso: 1024 }).toMatchObject({
      code: 'ERR_OPTION',
    });
  });

  it('with bucket steps that the model does not take', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await refusal({ enableBucket: true, bucketResoSteps: 16 }).toMatchObject({ code: 'ERR_OPTION' });
  });

  it('with a choice that is none', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await refusal({ accuracy: 'float64' as 'float32' }).toMatchObject({
      code: 'ERR_OPTION',
      message: "accuracy must be float32 or bfloat16, got 'float64'",
    });
  });

  it('with an output folder that is a file', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('out'), '');
    await refusal({ outDir: inside('out') }).toMatchObject({ code: 'ERR_OUTPUT_NOT_WRITABLE' });
  });
});

describe('an aborted run', () => {
  it('finishes the batches in flight and counts what is left', async () => {
    for (let index = 0; index < 40; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    const controller = new AbortController();
    const encoder = fakeEncoder(() => {
      if (encoder.batches.length === 5) controller.abort();
    });
    const { summary } = await build(folder(), { signal: controller.signal }, encoder);
    expect(summary.aborted).toBe(true);
    expect(summary.encoded + summary.remaining).toBe(40);
    const written = (await namesIn(folder())).filter((name) => name.endsWith('.npz'));
    expect(written.length).toBe(summary.encoded);
    expect(encoder.batches.length).toBeLessThan(12);
  });

  it('writes the batch that computes when the signal comes, and begins no other', async () => {
    for (let index = 0; index < 20; index++)
      await drawImage(inside(`a${String(index).padStart(2, '0')}.png`), 256, 256);
    const controller = new AbortController();
    let computing = 0;
    const encoder = fakeEncoder(async () => {
      expect(++computing).toBe(1); // one at a time, as the encoder says
      if (encoder.batches.length === 3) controller.abort();
      await setTimeout(20);
      computing--;
    });
    const { summary } = await build(folder(), { signal: controller.signal }, encoder);
    expect(encoder.batches.length).toBe(3);
    expect([summary.encoded, summary.remaining]).toEqual([3, 17]);
  });

  it('finishes the mirrored half of that batch too', async () => {
    for (let index = 0; index < 5; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    const controller = new AbortController();
    const encoder = fakeEncoder(() => {
      if (encoder.batches.length === 1) controller.abort();
    });
    const { summary } = await build(folder(), { signal: controller.signal, flipAug: true }, encoder);
    expect([summary.encoded, encoder.batches.length]).toEqual([1, 2]);
  });

  it('may be left by leaving the loop', async () => {
    for (let index = 0; index < 20; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    const { buildCache } = await import('#dist/index.js');
    const encoder = { encoder: fakeEncoder(), fingerprint: 'fake' };
    for await (const event of buildCache({ inputs: [folder()], model: 'sdxl', resolution: 256, encoder })) {
      if (event.type === 'encoded') break;
    }
    const names = await namesIn(folder());
    const written = names.filter((name) => name.endsWith('.npz')).length;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(20);
    expect(names.length).toBe(20 + written); // no temporary file
  });

  it('reports an image that vanished after the survey, and goes on', async () => {
    for (let index = 0; index < 30; index++)
      await drawImage(inside(`a${String(index).padStart(2, '0')}.png`), 256, 256);
    const encoder = fakeEncoder(async () => {
      if (encoder.batches.length === 1) await rm(inside('a29.png'));
    });
    const { failures, summary } = await build(folder(), {}, encoder);
    expect(failures).toEqual({ 'a29.png': 'ERR_IMAGE_MISSING' });
    expect(summary.encoded).toBe(29);
    expect(await readFile(inside('a28_0256x0256_sdxl.npz'))).toBeTruthy();
  });
});

describe('shapes that no bucket suits', () => {
  it('fails an image that would be enlarged beyond reason, with its path', async () => {
    await drawImage(inside('line.png'), 1, 9000);
    await drawImage(inside('good.png'), 256, 256);
    const { failures, summary } = await build(folder());
    expect(failures).toEqual({ 'line.png': 'ERR_IMAGE_TOO_SMALL' });
    expect(summary.encoded).toBe(1);
  });
});

describe('a run that cannot succeed any more', () => {
  it('is given up when no latent is finite', async () => {
    for (let index = 0; index < 60; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    const encoder = fakeEncoder((mean) => {
      mean[0] = Number.POSITIVE_INFINITY;
    });
    const { summary } = await build(folder(), {}, encoder);
    expect(summary.stoppedBy?.code).toBe('ERR_NON_FINITE');
    expect(summary.remaining).toBeGreaterThan(0);
  });

  it.each(['float16', 'float32'] as const)('writes no value that no latent has, as %s', async (dtype) => {
    await drawImage(inside('a.png'), 256, 256);
    const encoder = fakeEncoder((mean) => {
      mean[0] = 1001;
    });
    expect((await build(folder(), { dtype }, encoder)).failures).toEqual({ 'a.png': 'ERR_NON_FINITE' });
    expect(await namesIn(folder())).toEqual(['a.png']);
  });
});
