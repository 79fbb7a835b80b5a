// Expectations: what the trainers' own code computes (test/golden/make_trainers.py).
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Size } from '#dist/dataset/bucket.js';
import { opensAsRgba } from '#dist/dataset/opens-as-rgba.js';
import { LatentCacheError } from '#dist/errors.js';
import { MODEL_IDS, MODELS, type ModelId } from '#dist/model/catalog.js';
import { AiToolkitBuckets } from '#dist/trainers/ai-toolkit/buckets.js';
import * as aiFiles from '#dist/trainers/ai-toolkit/files.js';
import * as aiImages from '#dist/trainers/ai-toolkit/images.js';
import { AI_TOOLKIT_MODELS, aiToolkitModel } from '#dist/trainers/ai-toolkit/models.js';
import { dumps } from '#dist/trainers/ai-toolkit/python-json.js';
import { storedShape } from '#dist/trainers/latent-shape.js';
import { MusubiBuckets } from '#dist/trainers/musubi/buckets.js';
import * as musubiFiles from '#dist/trainers/musubi/files.js';
import * as musubiImages from '#dist/trainers/musubi/images.js';
import { MUSUBI_MODELS, musubiModel } from '#dist/trainers/musubi/models.js';
import { musubiResize } from '#dist/trainers/musubi/pixels.js';

interface Golden {
  sizes: [number, number][];
  musubi: {
    buckets: {
      cases: {
        resolution: [number, number];
        enableBucket: boolean;
        noUpscale: boolean;
        list: [number, number][];
        /** Bucket, then what the image went through: nothing, or resized size, crop, resampler. */
        rows: ([number, number] | [number, number, number, number, number, number, 'l' | 'a'] | null)[];
      }[];
      refusedSquares: number[];
    };
    files: Record<
      string,
      {
        architecture: string;
        name: string;
        textName: string;
        metadata: Record<string, string>;
        tensors: Record<string, [dtype: string, shape: number[]]>;
      }
    >;
    cacheNames: Record<string, 'taken' | 'stops' | 'ignored'>;
    images: { names: string[]; taken: string[]; images: string[] };
    jsonl: { text: string; paths: string[] | null }[];
    modes: Record<string, { mode: string; file: string }>;
  };
  aiToolkit: {
    models: Record<string, { arch: string; version: string; divisor: number }>;
    buckets: {
      resolution: number;
      divisor: number;
      squareCrop: boolean;
      rows: [number, number, number, number, number, number][];
    }[];
    images: { names: string[]; folderLink: string; fileLink: string; taken: string[] };
    names: {
      name: string;
      sizes: number[];
      flipX: boolean;
      flipY: boolean;
      version: string;
      file: string;
      folder: string;
      metadata?: Record<string, string>;
    }[];
  };
}

const packed = readFileSync(new URL('golden/data/trainers.json.gz', import.meta.url));
const golden = JSON.parse(gunzipSync(packed).toString('utf8')) as Golden;
const size = ([width, height]: readonly [number, number]): Size => ({ width, height });
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof LatentCacheError) return error.code;
    throw error;
  }
  return 'no error';
};

describe('buckets of musubi-tuner', () => {
  for (const { resolution, enableBucket, noUpscale, list, rows } of golden.musubi.buckets.cases) {
    const buckets = new MusubiBuckets({ resolution: size(resolution), enableBucket, noUpscale });
    const title = `${resolution.join('x')}, buckets ${enableBucket}, no_upscale ${noUpscale}`;

    it(`are the same list: ${title}`, () => {
      expect(buckets.buckets.map(({ width, height }) => [width, height])).toEqual(list);
    });

    it(`take, resize and crop 2,000 sizes alike: ${title}`, () => {
      const found = golden.sizes.map((pair) => {
        const original = size(pair);
        try {
          const { bucket, resized } = buckets.select(original);
          const chosen = [bucket.width, bucket.height];
          if (bucket.width === original.width && bucket.height === original.height) return chosen;
          const left = Math.floor((resized.width - bucket.width) / 2);
          const top = Math.floor((resized.height - bucket.height) / 2);
          const { interpolation } = musubiResize(original, resized, false);
          return [...chosen, resized.width, resized.height, left, top, interpolation[0]];
        } catch (error) {
          expect((error as LatentCacheError).code).toBe('ERR_IMAGE_TOO_SMALL');
          return null;
        }
      });
      expect(found).toEqual(rows);
    });
  }

  it('are refused for squares on which the trainer divides by zero', () => {
    const refused = [];
    for (let side = 14; side < 40; side++) {
      const settings = { resolution: size([side, side]), enableBucket: true, noUpscale: false };
      if (codeOf(() => new MusubiBuckets(settings)) === 'ERR_OPTION') refused.push(side);
    }
    expect(refused).toEqual(golden.musubi.buckets.refusedSquares);
  });

  it('are refused when they are off and the resolution is no multiple of 16', () => {
    const settings = { resolution: size([1000, 1024]), enableBucket: false, noUpscale: false };
    expect(codeOf(() => new MusubiBuckets(settings))).toBe('ERR_OPTION');
  });
});

describe('alpha in musubi-tuner', () => {
  it.each(Object.entries(golden.musubi.modes))('reaches the resize as Pillow opens %s', async (_name, {
    mode,
    file,
  }) => {
    const bytes = Buffer.from(file, 'base64');
    const isBmp = bytes.toString('latin1', 0, 2) === 'BM';
    const { format, hasAlpha, channels } = isBmp
      ? // The alpha mask of a V4 header.
        { format: 'bmp', hasAlpha: bytes.readUInt32LE(14) > 40 && bytes.readUInt32LE(66) !== 0, channels: 4 }
      : await sharp(bytes).metadata();
    expect(opensAsRgba({ format, hasAlpha, channels, head: bytes })).toBe(mode === 'RGBA');
  });

  it('is premultiplied only where the image grows', () => {
    expect(musubiResize(size([100, 50]), size([128, 64]), true)).toEqual({
      interpolation: 'lanczos',
      premultiply: true,
    });
    expect(musubiResize(size([100, 50]), size([64, 32]), true)).toEqual({
      interpolation: 'area',
      premultiply: false,
    });
  });
});

describe('files of musubi-tuner', () => {
  it('are known for every model that it was run with', () => {
    expect(Object.keys(MUSUBI_MODELS).sort()).toEqual(Object.keys(golden.musubi.files).sort());
  });

  describe.each(Object.entries(golden.musubi.files))('for %s', (id, expected) => {
    const model = musubiModel(MODELS[id as ModelId]);
    const original = size([800, 600]);

    it('have its name and the name of their text cache', () => {
      const name = musubiFiles.cacheName('some.name_1', original, model.architecture);
      expect(name).toBe(expected.name);
      expect(musubiFiles.textCacheName('some.name_1', model.architecture)).toBe(expected.textName);
      expect(musubiFiles.parseCacheName(name, model.architecture)).toEqual({ stem: 'some.name_1', original });
    });

    it('have its metadata', () => {
      expect(musubiFiles.fileMetadata(model, original)).toEqual(expected.metadata);
    });

    it('have its keys, types and shapes', () => {
      const shape = storedShape(MODELS[id as ModelId], model.values, size([64, 96]));
      const dtype = model.dtype === 'vae-file' ? 'bfloat16' : 'float32';
      const empty = (shapeOf: readonly number[]) => new Float32Array(shapeOf.reduce((a, b) => a * b));
      const controls: (readonly [number, number, number])[] =
        model.control === 'numbered'
          ? [
              [128, 2, 3],
              [128, 4, 4],
            ]
          : model.control === 'one'
            ? [[16, 4, 6]]
            : [];
      const tensors = [
        musubiFiles.latentTensor(model, shape, empty(shape), dtype),
        ...controls.map((each, index) => musubiFiles.controlTensor(model, index, each, empty(each), dtype)),
      ];
      const found = tensors.map(({ name, dtype: stored, shape: sides }) => [name, [stored, [...sides]]]);
      expect(Object.fromEntries(found)).toEqual(expected.tensors);
    });
  });

  it('are refused for a model that it does not train', () => {
    expect(codeOf(() => musubiModel(MODELS.sdxl))).toBe('ERR_OPTION');
  });

  it.each(Object.entries(golden.musubi.cacheNames))('named %s are %s by training', (stem, outcome) => {
    const verdict = musubiFiles.judgeCacheName(`${stem}.safetensors`, 'qi', () => false);
    expect(verdict).toBe({ taken: 'stray', stops: 'stops', ignored: undefined }[outcome]);
  });

  it('that are expected are caches', () => {
    const name = musubiFiles.cacheName('a', size([512, 512]), 'qi');
    expect(musubiFiles.judgeCacheName(name, 'qi', (each) => each === name)).toBe('cache');
  });

  it('are not found in a folder whose name is a pattern', () => {
    expect(['data/[set]', 'what?', 'all*', 'data/set'].map(musubiFiles.isPattern)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('images of musubi-tuner', () => {
  const { names, taken, images } = golden.musubi.images;

  it('are those of its extensions', () => {
    expect(names.filter(musubiImages.isImageName).sort()).toEqual([...images].sort());
  });

  it('are those with a caption, in its order', () => {
    expect(musubiImages.imagesWithCaption(names, '.txt')).toEqual(taken);
  });

  it.each(golden.musubi.jsonl)('come from a list: $text', ({ text, paths }) => {
    const read = () => musubiImages.parseImageJsonl(text, 'images.jsonl');
    if (paths === null) expect(codeOf(read)).toBe('ERR_NO_INPUT');
    else expect(read()).toEqual(paths);
  });
});

describe('models of ai-toolkit', () => {
  it.each(Object.entries(golden.aiToolkit.models))('%s has its arch, version and divisor', (id, expected) => {
    const { arch, latentSpaceVersion, bucketDivisor } = aiToolkitModel(MODELS[id as ModelId]);
    expect({ arch, version: latentSpaceVersion, divisor: bucketDivisor }).toEqual(expected);
  });

  it('are all of those that it was run with', () => {
    expect(Object.keys(AI_TOOLKIT_MODELS).sort()).toEqual(Object.keys(golden.aiToolkit.models).sort());
  });

  it('are refused when it has none of that name', () => {
    expect(codeOf(() => aiToolkitModel(MODELS['hunyuan-image']))).toBe('ERR_OPTION');
  });
});

describe('buckets of ai-toolkit', () => {
  for (const { resolution, divisor, squareCrop, rows } of golden.aiToolkit.buckets) {
    it(`take, scale and crop 2,000 sizes alike: ${resolution}, divisor ${divisor}, squares ${squareCrop}`, () => {
      const buckets = new AiToolkitBuckets({ resolution, divisor, squareCrop });
      const found = golden.sizes.map((pair) => {
        const { bucket, resized, crop } = buckets.select(size(pair));
        return [bucket.width, bucket.height, resized.width, resized.height, crop.left, crop.top];
      });
      expect(found).toEqual(rows);
    });
  }

  it('are refused for squares that are no multiple of the divisor', () => {
    const settings = { resolution: 500, divisor: 16, squareCrop: true };
    expect(codeOf(() => new AiToolkitBuckets(settings))).toBe('ERR_OPTION');
  });
});

describe('files of ai-toolkit', () => {
  const itemOf = ({ name, sizes, flipX, flipY, version }: Golden['aiToolkit']['names'][number]) => {
    const [scaleWidth, scaleHeight, left, top, width, height] = sizes as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const geometry = {
      resized: size([scaleWidth, scaleHeight]),
      crop: { left, top },
      bucket: size([width, height]),
    };
    return { fileName: name, geometry, flipX, flipY, latentSpaceVersion: version };
  };

  it.each(golden.aiToolkit.names.slice(0, 29))('have its name for $name', (each) => {
    expect(aiFiles.cacheName(itemOf(each))).toBe(each.file);
    expect(aiFiles.CACHE_FOLDER).toBe(each.folder);
  });

  it('have its name for 300 names of any characters', () => {
    const { names } = golden.aiToolkit;
    expect(names.map((each) => aiFiles.cacheName(itemOf(each)))).toEqual(names.map(({ file }) => file));
  });

  it('have its metadata, software apart', () => {
    for (const each of golden.aiToolkit.names) {
      if (each.metadata === undefined) continue;
      const software = JSON.parse(each.metadata.software!) as aiFiles.Software;
      expect(aiFiles.fileMetadata(itemOf(each), software)).toEqual(each.metadata);
    }
  });

  it('are told by their names, whatever the hash looks like', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (stem, bytes) => {
          const hash = Buffer.from(bytes).toString('base64url');
          expect(aiFiles.parseCacheName(`${stem}_${hash}.safetensors`)).toEqual({ stem, hash });
        },
      ),
    );
  });

  it('are not told where the hash has another length', () => {
    expect(aiFiles.parseCacheName('a_0123456789.safetensors')).toBeUndefined();
  });
});

describe('JSON as Python writes it', () => {
  it('is read back as the same value, in ASCII', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean())),
        (value) => {
          const text = dumps(value, { sortKeys: false });
          expect(text).toMatch(/^[ -~]*$/);
          expect(JSON.parse(text)).toEqual(value);
        },
      ),
    );
  });
});

describe('images of ai-toolkit', () => {
  it('are found in sub-folders, but for hidden ones, links and folders of control images', () => {
    const { names, folderLink, fileLink, taken } = golden.aiToolkit.images;
    const all = [...names, fileLink, `${folderLink}/t.png`];
    const found = all.filter((each) => {
      const folders = each.split('/');
      const name = folders.pop()!;
      const isReached = folders.every((folder) => aiImages.isSubFolder(folder, folder === folderLink));
      return isReached && aiImages.isImageFolder(folders.at(-1) ?? 'root') && aiImages.isImageName(name);
    });
    expect(found.sort()).toEqual([...taken].sort());
  });

  it('become four items with both flips', () => {
    expect(aiImages.flipsOf({ flipX: true, flipY: true })).toEqual([
      { flipX: false, flipY: false },
      { flipX: true, flipY: false },
      { flipX: false, flipY: true },
      { flipX: true, flipY: true },
    ]);
    expect(aiImages.flipsOf({ flipX: false, flipY: false })).toHaveLength(1);
  });
});

it('no model is called what musubi-tuner ends its caches with', () => {
  const architectures = Object.values(MUSUBI_MODELS).map(({ architecture }) => architecture);
  expect(MODEL_IDS.filter((id) => architectures.includes(id))).toEqual([]);
});
