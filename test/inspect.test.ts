// Expectations: files that numpy and the trainers' own code wrote (test/golden), and arithmetic by hand.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '#dist/cache/npy.js';
import { writeZip } from '#dist/cache/zip.js';
import { type CacheInspection, inspectCache, type ReaderId } from '#dist/index.js';
import { build, drawImage, useScratchFolder } from './build-helpers.js';
import { root } from './docs-blocks.js';
import { run } from './docs-sandbox.js';
import { float32, type HandTensor, writeTensorFile } from './tensor-file-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const data = fileURLToPath(new URL('golden/data/', import.meta.url));
const golden = (name: string) => path.join(data, 'npz', name);

const reader = ({ acceptedBy }: CacheInspection, id: ReaderId) =>
  acceptedBy.find((each) => each.reader === id)!;
const readersOf = ({ acceptedBy }: CacheInspection) =>
  acceptedBy.filter(({ accepted }) => accepted).map(({ reader: id }) => id);

/** A cache of sd-scripts for one resolution. */
async function writeNpz(name: string, channels = 4, suffix = '', type: '<f2' | '<f4' | '<i4' = '<f4') {
  const bytes = (channels * 2 * 3 * Number(type[2])) / Number(type[2]);
  const values = type === '<f2' ? new Uint16Array(bytes) : new Float32Array(bytes).map((_, index) => index);
  const members = [
    { name: `latents${suffix}.npy`, data: encodeNpy(type, [channels, 2, 3], values), compress: false },
    {
      name: `original_size${suffix}.npy`,
      data: encodeNpy('<i8', [2], BigInt64Array.of(24n, 16n)),
      compress: false,
    },
    {
      name: `crop_ltrb${suffix}.npy`,
      data: encodeNpy('<f8', [4], Float64Array.of(0, 0, 24, 16)),
      compress: false,
    },
  ];
  await writeFile(inside(name), Buffer.concat(await writeZip(members, new Uint8Array())));
  return inspectCache(inside(name));
}

describe('inspect: what numpy wrote', () => {
  const expected = JSON.parse(readFileSync(golden('expected.json'), 'utf8')) as Record<
    string,
    Record<string, { values: number[]; shape: number[] }>
  >;

  it.each([
    'plain.npz',
    'deflate.npz',
    'half.npz',
    'fortran.npz',
    'big-endian.npz',
    'version-2.npz',
  ])('tells shape and statistics of %s', async (name) => {
    const { shape, values } = expected[name]!.latents!;
    const { latents } = (await inspectCache(golden(name))).entries[0]!;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(latents.shape).toEqual(shape);
    expect(latents.statistics).toMatchObject({
      min: Math.min(...values),
      max: Math.max(...values),
      mean: expect.closeTo(mean, 12),
      std: expect.closeTo(Math.sqrt(variance), 12),
      notFinite: 0,
    });
  });

  it.each([
    ['half.npz', 'float16'],
    ['big-endian.npz', 'big-endian float32'],
  ])('names the type of %s', async (name, dtype) => {
    expect((await inspectCache(golden(name))).entries[0]!.latents.dtype).toBe(dtype);
  });

  it('tells the geometry', async () => {
    expect((await inspectCache(golden('plain.npz'))).entries[0]).toMatchObject({
      originalSize: { width: 1920, height: 1080 },
      cropLtrb: [0, 6, 1344, 820.6666666666666],
      bucket: { width: 16, height: 24 },
    });
  });

  it('counts values that are not finite', async () => {
    const latents = float32(1, Number.NaN, Number.POSITIVE_INFINITY, 3);
    await writeTensorFile(inside('x'), { latent: { dtype: 'F32', shape: [4, 1, 1], data: latents } });
    const [entry] = (await inspectCache(inside('x'))).entries;
    expect(entry!.latents.statistics).toEqual({ min: 1, max: 3, mean: 2, std: 1, notFinite: 2 });
  });
});

describe('inspect: which model', () => {
  it.each([
    ['a_0024x0016_sdxl.npz', 4, '', ['sdxl'], 'name'],
    ['a_0024x0016_flux.npz', 16, '_2x3', ['flux', 'chroma'], 'name'],
    ['a.npz', 4, '', ['sd', 'sdxl'], 'channels'],
    ['a_0024x0016_mine.npz', 64, '_2x3', ['hunyuan-image'], 'channels'],
  ] as const)('%s with %i channels', async (name, channels, suffix, candidates, by) => {
    expect((await writeNpz(name, channels, suffix)).model).toEqual({ candidates, by });
  });

  it('believes a record more than a name', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder());
    await copyFile(inside('a_0256x0256_sdxl.npz'), inside('a_0256x0256_sd.npz'));
    const { model } = await inspectCache(inside('a_0256x0256_sd.npz'));
    expect(model).toEqual({ candidates: ['sdxl'], by: 'record' });
  });
});

describe('inspect: who accepts it', () => {
  const [before, v010, since] = [
    'sd-scripts-before-0.10',
    'sd-scripts-0.10',
    'sd-scripts-since-pr-2269',
  ] as const;

  // name, channels, key suffix → which generations of sd-scripts
  it.each([
    ['a.npz', 4, '', [before, v010, since]],
    ['a.npz', 4, '_2x3', [since]],
    ['a_0024x0016_sdxl.npz', 4, '', [v010, since]],
    ['a_0024x0016_sdxl.npz', 4, '_2x3', [since]],
    ['a_0024x0016_sd3.npz', 16, '_2x3', [v010, since]],
    ['a_0024x0016_sd3.npz', 16, '', []],
    ['a_0024x0016_sd3.npz', 16, '_3x2', []],
    ['a.npz', 16, '_2x3', []],
    ['a_0024x0016_sdxl.npz', 16, '', []],
    ['a_0024x0016_mine.npz', 4, '', []],
  ] as const)('%s with %i channels and keys %o', async (name, channels, suffix, readers) => {
    expect(readersOf(await writeNpz(name, channels, suffix))).toEqual(readers);
  });

  it('takes half precision, and no whole numbers', async () => {
    expect(readersOf(await writeNpz('a_0024x0016_sdxl.npz', 4, '', '<f2'))).toEqual([v010, since]);
    const whole = await writeNpz('a_0024x0016_sdxl.npz', 4, '', '<i4');
    expect(reader(whole, v010).reasons).toEqual(['latents is int32, which its loader refuses']);
  });

  it('refuses the byte order that torch refuses', async () => {
    await copyFile(golden('big-endian.npz'), inside('a.npz'));
    expect(reader(await inspectCache(inside('a.npz')), before).reasons[0]).toContain('big-endian');
  });

  const trainers = JSON.parse(gunzipSync(readFileSync(path.join(data, 'trainers.json.gz'))).toString()) as {
    musubi: {
      files: Record<
        string,
        {
          name: string;
          metadata: Record<string, string>;
          tensors: Record<string, [HandTensor['dtype'], number[]]>;
        }
      >;
    };
    aiToolkit: { names: { file: string; version: string; metadata?: Record<string, string> }[] };
  };
  const tensorsOf = (tensors: Record<string, [HandTensor['dtype'], number[]]>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, [dtype, shape]]) => [name, { dtype, shape }]));

  it.each(Object.keys(trainers.musubi.files))('musubi-tuner takes its own files for %s', async (model) => {
    const { name, metadata, tensors } = trainers.musubi.files[model]!;
    await writeTensorFile(inside(name), tensorsOf(tensors), metadata);
    const inspection = await inspectCache(inside(name));
    expect(inspection).toMatchObject({ format: 'musubi', model: { candidates: [model], by: 'metadata' } });
    expect(reader(inspection, 'musubi')).toMatchObject({ accepted: true, models: [model] });
  });

  it('musubi-tuner stops on Kontext without a control image', async () => {
    const { name, metadata } = trainers.musubi.files['flux-kontext']!;
    await writeTensorFile(
      inside(name),
      { latents_1x12x8_float32: { dtype: 'F32', shape: [16, 12, 8] } },
      metadata,
    );
    expect(reader(await inspectCache(inside(name)), 'musubi').reasons[0]).toContain('control image');
  });

  it('musubi-tuner does not take Qwen-Image latents without the axis of frames', async () => {
    const name = 'a_0800x0600_qi.safetensors';
    await writeTensorFile(inside(name), { latents_1x12x8_bfloat16: { dtype: 'BF16', shape: [16, 12, 8] } });
    expect(reader(await inspectCache(inside(name)), 'musubi').reasons).toEqual([
      'latents_1x12x8_bfloat16 is bfloat16 (16, 12, 8), not (16, 1, h, w)',
    ]);
  });

  const known = trainers.aiToolkit.names.flatMap(({ metadata, ...rest }) =>
    metadata === undefined || rest.version !== 'sdxl' ? [] : [{ ...rest, metadata }],
  );
  it.each(known)('ai-toolkit takes its own $file', async ({ file, metadata }) => {
    await mkdir(inside('_latent_cache'));
    const place = inside(path.join('_latent_cache', file));
    await writeTensorFile(place, { latent: { dtype: 'BF16', shape: [4, 2, 2] } }, metadata);
    expect(reader(await inspectCache(place), 'ai-toolkit')).toMatchObject({
      accepted: true,
      models: ['sdxl'],
    });
  });

  it('ai-toolkit does not take a file elsewhere, nor one under another hash', async () => {
    const [{ file, metadata }, other] = [known[0]!, known[1]!];
    const tensors = { latent: { dtype: 'BF16', shape: [4, 2, 2] } } as const;
    await mkdir(inside('_latent_cache'));
    await writeTensorFile(inside(file), tensors, metadata);
    const wrong = inside(path.join('_latent_cache', other.file));
    await writeTensorFile(wrong, tensors, metadata);
    const reasons = async (place: string) => reader(await inspectCache(place), 'ai-toolkit').reasons;
    expect(await reasons(inside(file))).toEqual(['it looks in the folder _latent_cache beside the image']);
    expect(await reasons(wrong)).toEqual(['the hash in its name is not that of its metadata']);
  });

  it('our own format is accepted as build writes it', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { format: 'safetensors', dtype: 'bfloat16' });
    const inspection = await inspectCache(inside('a_0256x0256_sdxl.safetensors'));
    expect(readersOf(inspection)).toEqual(['safetensors']);
    expect(inspection.entries[0]).toMatchObject({
      framing: { resized: { width: 256, height: 256 } },
      values: 'raw',
    });
  });

  it('our own format is refused in a version that is not known', async () => {
    const tensors = { latents_2x3: { dtype: 'F32', shape: [4, 2, 3] } } as const;
    await writeTensorFile(inside('a_0024x0016_sdxl.safetensors'), tensors, {
      format: 'latent-cache',
      format_version: '2',
      model: 'sdxl',
    });
    const { reasons } = reader(await inspectCache(inside('a_0024x0016_sdxl.safetensors')), 'safetensors');
    expect(reasons[0]).toBe('its format_version is 2, only 1 is known');
  });
});

describe('inspect: the image beside it', () => {
  const state = async () => (await inspectCache(inside('a_0256x0256_sdxl.npz'))).image?.state;
  const cached = async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder());
  };

  it('is the one that was encoded', async () => {
    await cached();
    expect(await state()).toBe('same');
  });

  it('was changed', async () => {
    await cached();
    await drawImage(inside('a.png'), 256, 256, 7);
    expect(await state()).toBe('changed');
  });

  it('has another size', async () => {
    await cached();
    await drawImage(inside('a.png'), 256, 250);
    expect(await state()).toBe('other-size');
  });

  it('shares its name with another', async () => {
    await cached();
    await drawImage(inside('a.jpg'), 256, 256);
    expect(await state()).toBe('ambiguous');
  });

  it('cannot be read', async () => {
    await cached();
    await writeFile(inside('a.png'), 'no image');
    expect(await state()).toBe('unreadable');
  });

  it('fits where nothing says what was encoded', async () => {
    await drawImage(inside('a.png'), 24, 16);
    expect((await writeNpz('a_0024x0016_sdxl.npz')).image?.state).toBe('fits');
  });

  it('is found in another folder', async () => {
    await cached();
    await mkdir(inside('elsewhere'));
    await copyFile(inside('a_0256x0256_sdxl.npz'), inside('elsewhere/a_0256x0256_sdxl.npz'));
    const file = inside('elsewhere/a_0256x0256_sdxl.npz');
    expect((await inspectCache(file)).image).toBeNull();
    expect((await inspectCache(file, { imageDir: folder() })).image?.state).toBe('same');
  });
});

describe('inspect: hints', () => {
  const hintsFor = async (deviation: number, version = 'sdxl') => {
    const values = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? deviation : -deviation));
    const latent = { dtype: 'F32', shape: [4, 2, 2], data: float32(...values) } as const;
    await writeTensorFile(inside('x'), { latent }, { latent_space_version: version });
    return (await inspectCache(inside('x'))).hints;
  };

  it('says when latents of ai-toolkit look as the encoder gives them', async () => {
    expect((await hintsFor(7.7))[0]).toContain('raw');
  });

  it.each([1, 0.1])('says nothing about a deviation of %d', async (deviation) => {
    expect(await hintsFor(deviation)).toEqual([]);
  });

  it('says when values are beyond all latents', async () => {
    expect((await hintsFor(2000))[0]).toContain('±1000');
  });

  it('says when all values are one', async () => {
    expect((await hintsFor(0))[0]).toContain('one value');
  });
});

describe('inspect: files that are none', () => {
  it('says what it is not', async () => {
    await writeTensorFile(inside('x'), { weight: { dtype: 'F16', shape: [2, 2] } });
    expect(await inspectCache(inside('x'))).toMatchObject({
      format: null,
      acceptedBy: [],
      otherArrays: ['weight'],
    });
  });

  it.each(['npz', 'safetensors'])('refuses a %s file that was cut off', async (extension) => {
    const file = inside(`a.${extension}`);
    if (extension === 'npz') await copyFile(golden('plain.npz'), file);
    else await writeTensorFile(file, { latent: { dtype: 'F32', shape: [4, 2, 2] } });
    const { length } = await readFile(file);
    await truncate(file, length - 7);
    await expect(inspectCache(file)).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT', path: file });
  });

  it('does not wait on a named pipe', async () => {
    execFileSync('mkfifo', [inside('a.npz')]);
    await expect(inspectCache(inside('a.npz'))).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT' });
  });

  it('does not read a file larger than any cache', async () => {
    await writeFile(inside('a.safetensors'), '');
    await truncate(inside('a.safetensors'), 2 ** 33);
    await expect(inspectCache(inside('a.safetensors'))).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT' });
  });

  it('refuses a type that no latent has', async () => {
    await writeTensorFile(inside('x'), { latent: { dtype: 'F8_E4M3', shape: [4, 2, 2] } });
    await expect(inspectCache(inside('x'))).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT' });
  });

  it('says that there is no file', async () => {
    await expect(inspectCache(inside('x'))).rejects.toMatchObject({ code: 'ERR_NO_INPUT' });
  });
});

describe('latent-cache inspect', () => {
  const inspect = (words: string) => run(`node ${root}/bin/latent-cache.cjs inspect ${words}`, folder());

  it('ends with 0, 2 or 1: all, some or none could be read', async () => {
    const codes = [golden('plain.npz'), `${golden('plain.npz')} no.npz`, 'no.npz'].map(inspect);
    expect((await Promise.all(codes)).map(({ code }) => code)).toEqual([0, 2, 1]);
  });

  it('prints one object for each file', async () => {
    const { output } = await inspect(`--json ${golden('plain.npz')} ${golden('half.npz')}`);
    const paths = output
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as CacheInspection).path);
    expect(paths).toEqual([golden('plain.npz'), golden('half.npz')]);
  });

  it('lets no control character of a file onto the terminal', async () => {
    await writeTensorFile(inside('x'), { latent: { dtype: 'F32', shape: [4, 2, 2] } }, { evil: '\u001b[2J' });
    expect((await inspect('x')).output).not.toContain('\u001b');
  });
});
