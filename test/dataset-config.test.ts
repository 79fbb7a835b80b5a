import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { captionedImages } from '#dist/dataset/config/captioned.js';
import { matchListedImages } from '#dist/dataset/config/match-listed-images.js';
import { readMetadataSource } from '#dist/dataset/config/read-dataset-config.js';
import { readTrainDataDir } from '#dist/dataset/config/train-data-dir.js';
import type { ConfiguredSource, DatasetSettings } from '#dist/dataset/config/types.js';
import { isImageName } from '#dist/dataset/image-names.js';
import type { BuildOptions } from '#dist/index.js';
import {
  type Answers,
  asConfig,
  asError,
  type Refused,
  readAnswers,
  readGolden,
  readOrError,
  useCurrentFolder,
  write,
} from './dataset-config-helpers.js';

type Pair = readonly [number, number];
type Listed = readonly [path: string, size: Pair | null];
interface SdParams {
  readonly resolution: Pair;
  readonly enable_bucket: boolean;
  readonly min_bucket_reso: number;
  readonly max_bucket_reso: number;
  readonly bucket_reso_steps: number;
  readonly bucket_no_upscale: boolean;
}
interface SdSubset {
  readonly image_dir: string | null;
  readonly flip_aug: boolean;
  readonly alpha_mask?: boolean;
  readonly resize_interpolation: string | null;
}
interface Loaded {
  /** Data sets, their subsets, images. */
  readonly datasets: readonly (readonly (readonly Listed[])[])[];
  readonly validation: readonly (readonly (readonly Listed[])[])[];
}
interface SdCase {
  readonly arguments: readonly string[];
  readonly datasets?: readonly { kind: string; params: SdParams; subsets: readonly SdSubset[] }[];
  readonly loaded?: Loaded | Refused;
  readonly refused?: Refused;
}
type SdAnswers = Answers<SdCase> & {
  readonly train_data_dir: { folders: string[]; files: string[]; taken: string[] };
};
interface MusubiDataset {
  readonly params: { readonly resolution: Pair; readonly enable_bucket: boolean };
}
interface MusubiCase {
  readonly datasets?: readonly MusubiDataset[];
  readonly loaded?: readonly {
    readonly cache_directory: string | null;
    readonly bucket_no_upscale: boolean;
    readonly images?: readonly { image: string; controls?: string[]; targets?: string[] }[];
  }[];
  readonly refused?: Refused;
}

const sd = readAnswers<SdAnswers>('sd-scripts');
const musubi = readAnswers<Answers<MusubiCase>>('musubi');
useCurrentFolder();

/** sd-scripts' own defaults, then its command line, then the config: what a run is to use. */
function settingsOf(words: readonly string[], settings: DatasetSettings): DatasetSettings {
  const value = (name: string) => words[words.indexOf(name) + 1];
  const flag = (name: string) => words.includes(name);
  const resolution = flag('--resolution') ? value('--resolution')!.split(',').map(Number) : undefined;
  return {
    enableBucket: flag('--enable_bucket'),
    minBucketReso: 256,
    maxBucketReso: flag('--max_bucket_reso') ? Number(value('--max_bucket_reso')) : 1024,
    bucketResoSteps: 64,
    bucketNoUpscale: false,
    flipAug: flag('--flip_aug'),
    alphaMask: flag('--alpha_mask'),
    ...(resolution && { resolution: { width: resolution[0]!, height: resolution[1] ?? resolution[0]! } }),
    ...(flag('--resize_interpolation') && { resizeInterpolation: 'lanczos' as const }),
    ...settings,
  };
}

const expectedSettings = (params: SdParams, subset: SdSubset) => ({
  resolution: { width: Number(params.resolution[0]), height: Number(params.resolution[1]) },
  enableBucket: params.enable_bucket,
  minBucketReso: params.min_bucket_reso,
  maxBucketReso: params.max_bucket_reso,
  bucketResoSteps: Number(params.bucket_reso_steps),
  bucketNoUpscale: params.bucket_no_upscale,
  flipAug: subset.flip_aug,
  alphaMask: subset.alpha_mask ?? false,
  ...(subset.resize_interpolation !== null && { resizeInterpolation: subset.resize_interpolation }),
});

/** The images of a source, from its list or from the folder. */
function imagesOf(
  { imageDir, images }: ConfiguredSource,
  files: readonly string[],
): { path: string; size: unknown }[] {
  if (images !== undefined) {
    return images.map(({ name, size }) => ({ path: path.join(imageDir, name), size: size ?? null }));
  }
  return files
    .filter((file) => path.dirname(file) === path.normalize(imageDir) && isImageName(path.basename(file)))
    .map((file) => ({ path: file, size: null }));
}

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
/** The sources of each subset, or data set of musubi-tuner. */
const groupByPlace = (sources: readonly ConfiguredSource[]): ConfiguredSource[][] => {
  const places = [...new Set(sources.map(({ place }) => place))];
  return places.map((place) => sources.filter((source) => source.place === place));
};

/** Whether the trainer stopped in some way. */
const isRefused = ({ refused, loaded }: SdCase) =>
  refused ?? (loaded && 'error' in loaded ? loaded : undefined);

describe('a config of sd-scripts', () => {
  beforeAll(() => {
    write(sd.texts);
    for (const file of Object.keys(sd.files)) write({ [file]: '' });
  });
  const cases = Object.entries(sd.cases);
  const accepted = cases.filter(([, answer]) => isRefused(answer) === undefined);
  const unknownKeys = cases.filter(([, { refused }]) => (refused?.extra.length ?? 0) > 0);
  const refused = cases.filter(
    ([, answer]) => isRefused(answer) !== undefined && isRefused(answer)!.extra.length === 0,
  );

  it('was given to the trainer in more than 15 versions', () => {
    expect(accepted.length).toBeGreaterThan(15);
    expect(refused.length).toBeGreaterThan(10);
  });

  it.each(accepted)('%s comes to the settings of the trainer', async (name, answer) => {
    const { sources } = asConfig(await readGolden('sd-scripts', name));
    for (const { place, settings } of sources) {
      const [dataset, subset] = [...place.matchAll(/\d+/g)].map(([index]) => Number(index));
      const { params, subsets } = answer.datasets![dataset!]!;
      const expected = expectedSettings(params, subsets[subset!]!);
      expect({ place, ...settingsOf(answer.arguments, settings) }).toEqual({ place, ...expected });
    }
  });

  it.each(
    accepted,
  )('%s comes to the images of the trainer, with the sizes of its lists', async (name, answer) => {
    const { datasets, validation } = answer.loaded as Loaded;
    const { sources } = asConfig(await readGolden('sd-scripts', name));
    const ours = groupByPlace(sources).map((group) =>
      group.flatMap((source) => imagesOf(source, Object.keys(sd.files))).sort(byPath),
    );
    // the trainer keeps subsets with images only, and splits off what it validates with
    const theirs = datasets.flatMap((subsets, dataset) =>
      (subsets.length > 0 ? subsets : validation[dataset]!).map((listed, subset) => [
        ...new Map([...listed, ...(validation[dataset]?.[subset] ?? [])]).entries(),
      ]),
    );
    const expected = theirs.map((images) =>
      images
        .map(([file, size]) => ({ path: file, size: size && { width: size[0], height: size[1] } }))
        .sort(byPath),
    );
    if (name === 'validation-repeats.toml') {
      // which half it validates with is random there; the whole folder is cached
      expect(ours.flat()).toEqual(expect.arrayContaining(expected.flat()));
    } else expect(ours).toEqual(expected);
  });

  it.each(accepted)('%s has no unknown keys', async (name) => {
    expect(asConfig(await readGolden('sd-scripts', name)).unknown).toEqual([]);
  });

  it.each(unknownKeys)('%s has the unknown keys that the trainer stops on', async (name, answer) => {
    const { unknown } = asConfig(await readGolden('sd-scripts', name));
    expect(unknown.map(({ place }) => place).sort()).toEqual([...answer.refused!.extra].sort());
  });

  it.each(refused)('%s is refused, as by the trainer, at the same place', async (name, answer) => {
    const error = asError(await readGolden('sd-scripts', name));
    expect(error.code).toBe('ERR_DATASET_CONFIG');
    // a key that is missing has no place of its own here
    const [place = ''] = isRefused(answer)!.places;
    const shown = name === 'no-image-dir.toml' ? place.replace('.image_dir', ' has no image_dir') : place;
    expect(error.message).toContain(shown);
  });

  it('says where a known key belongs', async () => {
    const { unknown } = asConfig(await readGolden('sd-scripts', 'wrong-places.toml'));
    expect(unknown).toContainEqual({
      key: 'resolution',
      place: 'datasets[0].subsets[0].resolution',
      hint: 'it belongs in [general] or [[datasets]]',
    });
  });

  it('names what it ignores', async () => {
    const { ignored } = asConfig(await readGolden('sd-scripts', 'readme.toml'));
    expect(ignored.map(({ place }) => place)).toEqual([
      'general.shuffle_caption',
      'general.caption_extension',
      'general.keep_tokens',
      'datasets[0].batch_size',
      'datasets[0].keep_tokens',
      'datasets[0].subsets[0].class_tokens',
      'datasets[0].subsets[1].class_tokens',
      'datasets[0].subsets[1].keep_tokens',
      'datasets[0].subsets[2].is_reg',
      'datasets[0].subsets[2].class_tokens',
      'datasets[1].batch_size',
      'metadata.json: train_resolution',
    ]);
  });

  it.each(['color_aug', 'random_crop'])('with %s is refused: no cache can hold what it does', async (key) => {
    write({
      'config.toml': `[general]\n${key} = true\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "photos"\n`,
    });
    const error = asError(await readOrError('config.toml'));
    expect(error).toMatchObject({ code: 'ERR_DATASET_CONFIG', path: 'config.toml' });
    expect(error.message).toContain(`general.${key}`);
  });

  it('with color_aug in a subset that the trainer leaves out is fine', async () => {
    write({
      'config.toml':
        '[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\n[[datasets.subsets]]\nimage_dir = "a"\ncolor_aug = true\n',
    });
    expect(asConfig(await readOrError('config.toml')).sources).toHaveLength(1);
  });

  it('with color_aug that a subset switches off is fine', async () => {
    write({
      'config.toml':
        '[general]\ncolor_aug = true\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "photos"\ncolor_aug = false\n',
    });
    expect(asConfig(await readOrError('config.toml')).sources).toHaveLength(1);
  });
});

describe('a config of musubi-tuner', () => {
  beforeAll(() => write(musubi.texts));
  const cases = Object.entries(musubi.cases);
  const isOurs = ([name]: readonly [string, MusubiCase]) =>
    !['video.toml', 'nothing.toml', 'lines-no-cache.toml'].includes(name);
  const accepted = cases.filter((entry) => isOurs(entry) && entry[1].refused === undefined);

  it.each(accepted)('%s comes to the data sets of the trainer', async (name, { datasets, loaded }) => {
    const { trainer, sources } = asConfig(await readGolden('musubi', name));
    expect(trainer).toBe('musubi');
    const files = Object.keys({ ...musubi.files, ...musubi.texts });
    const ours = groupByPlace(sources).map((group) => ({
      settings: group[0]!.settings,
      cacheDirectory: group[0]!.cacheDirectory,
      images: group.flatMap((source) => {
        const { imageDir, images, captionExtension = '' } = source;
        if (images !== undefined) {
          return images.map(({ name: image, controls, targets }) => ({
            image: path.join(imageDir, image),
            ...(controls && { controls }),
            ...(targets && { targets }),
          }));
        }
        const names = files
          .filter((file) => path.dirname(file) === imageDir)
          .map((file) => path.basename(file));
        const found = names.filter((file) => isImageName(file)).sort();
        const others = names.filter((file) => !isImageName(file));
        const taken = captionExtension === '' ? found : captionedImages(found, others, captionExtension);
        return taken.map((file) => ({ image: path.join(imageDir, file) }));
      }),
    }));
    expect(ours).toEqual(
      datasets!.map(({ params }, index) => ({
        settings: {
          resolution: { width: params.resolution[0], height: params.resolution[1] },
          enableBucket: params.enable_bucket,
          bucketNoUpscale: loaded![index]!.bucket_no_upscale,
        },
        cacheDirectory: loaded![index]!.cache_directory,
        images: loaded![index]!.images,
      })),
    );
  });

  it('has the unknown keys that the trainer stops on', async () => {
    const { unknown } = asConfig(await readGolden('musubi', 'wrong-places.toml'));
    const places = musubi.cases['wrong-places.toml']!.refused!.extra;
    expect(unknown.map(({ place }) => place)).toEqual(places);
  });

  it('with one cache directory for two data sets is refused, as by the trainer', async () => {
    expect(musubi.cases['one-cache.toml']!.refused!.message).toMatch(/cache directory should be unique/);
    const error = asError(await readGolden('musubi', 'one-cache.toml'));
    expect(error.message).toMatch(/datasets\[1] and datasets\[0] have one cache directory/);
  });

  it('with one cache directory written in two ways is refused too', async () => {
    write({
      'config.toml':
        '[[datasets]]\nimage_directory = "a"\ncache_directory = "c"\n[[datasets]]\nimage_directory = "b"\ncache_directory = "./c"\n',
    });
    expect(asError(await readOrError('config.toml')).message).toMatch(/written in two ways/);
  });

  it('of videos is refused by name', async () => {
    const error = asError(await readGolden('musubi', 'video.toml'));
    expect(error.message).toMatch(/datasets\[0]\.video_directory: .*videos/);
  });

  it.each([
    ['lines-no-cache.toml', /no cache_directory/],
    ['nothing.toml', /no data set has/],
    ['type-resolution.toml', /datasets\[0]\.resolution must be/],
  ])('%s is refused', async (name, message) => {
    expect(asError(await readGolden('musubi', name)).message).toMatch(message);
  });

  it('hands on what models that edit images need', async () => {
    const { sources, ignored } = asConfig(await readGolden('musubi', 'control.toml'));
    expect(sources[0]).toMatchObject({
      controlDirectory: 'control',
      noResizeControl: true,
      controlResolution: { width: 512, height: 512 },
    });
    expect(ignored.map(({ key }) => key)).toEqual(['flux_kontext_no_resize_control']);
  });
});

describe('a folder of sub-folders with repeats', () => {
  it('has the sub-folders that the trainer takes', async () => {
    const { folders, files, taken } = sd.train_data_dir;
    for (const folder of folders) mkdirSync(path.join('train', folder), { recursive: true });
    for (const file of files) writeFileSync(path.join('train', file), '');
    const { sources, warnings } = await readTrainDataDir('train');
    expect(sources.map(({ imageDir }) => path.basename(imageDir)).sort()).toEqual([...taken].sort());
    expect(warnings).toHaveLength(folders.length - taken.length);
  });

  it('without any is refused', async () => {
    mkdirSync('plain/cats', { recursive: true });
    await expect(readTrainDataDir('plain')).rejects.toMatchObject({ code: 'ERR_NO_INPUT', path: 'plain' });
  });
});

describe('metadata', () => {
  it('of absolute paths needs no folder and may name several', async () => {
    write({ 'full.json': '{"/a/x.png": {}, "/b/y.png": {"image_size": [8, 9]}, "/a/z.png": {}}' });
    const { sources } = await readMetadataSource('full.json');
    expect(sources.map(({ imageDir, images }) => [imageDir, images])).toEqual([
      ['/a', [{ name: 'x.png' }, { name: 'z.png' }]],
      ['/b', [{ name: 'y.png', size: { width: 8, height: 9 } }]],
    ]);
  });

  it.each([
    ['a size of three numbers', '{"a.png": {"image_size": [1, 2, 3]}}', /image_size of 'a\.png'/],
    ['a size of 0', '{"a.png": {"image_size": [0, 2]}}', /image_size of 'a\.png'/],
    ['an entry that is no object', '{"a.png": "caption"}', /'a\.png' is not a JSON object/],
    ['a list instead of an object', '[]', /\{ is missing/],
    ['a comma too many', '{"a.png": {},\n}', /line 2: .*a name/],
    ['text after the end', '{"a.png": {}}\n\nx', /line 3: .*nothing may follow/],
    ['an end that is missing', '{"a.png": {}', /, or } is missing/],
    ['a folder for an image', '{"cats/": {}}', /names no file/],
    ['a name with NUL', '{"a\\u0000.png": {}}', /names no file/],
  ])('with %s is refused', async (_what, text, message) => {
    write({ 'bad.json': text });
    const reading = readMetadataSource('bad.json', 'photos');
    await expect(reading).rejects.toMatchObject({ code: 'ERR_DATASET_CONFIG', path: 'bad.json' });
    await expect(reading).rejects.toThrow(message);
  });

  it('of lines is refused with the number of the line', async () => {
    write({ 'bad.jsonl': '{"image_path": "a.png"}\n{"image": "b.png"}\n' });
    await expect(readMetadataSource('bad.jsonl', 'photos')).rejects.toThrow(
      /line 2: image_path must be a path/,
    );
  });

  it('is not read when it is a device', async () => {
    await expect(readMetadataSource('/dev/zero', 'photos')).rejects.toThrow(/it is not a file/);
  });
});

describe('images of a list', () => {
  const names = ['a.png', 'b.jpg', 'b.png', 'c.d.webp'];
  const match = (...listed: string[]) =>
    matchListedImages(
      listed.map((name) => ({ name })),
      names,
    );

  it('are found by their names', () => {
    expect(match('b.png')).toEqual({ found: [{ name: 'b.png' }], missing: [] });
  });

  it('without extension are the first of the name in the order of the trainer', () => {
    expect(match('b', 'c.d').found).toEqual([{ name: 'b.jpg' }, { name: 'c.d.webp' }]);
  });

  it('that are not there are missing', () => {
    expect(match('c.png', 'a.jpg', 'x', 'c').missing.map(({ name }) => name)).toEqual([
      'c.png',
      'a.jpg',
      'x',
      'c',
    ]);
  });

  it('that come twice are found once', () => {
    expect(match('a', 'a.png').found).toEqual([{ name: 'a.png' }]);
  });
});

describe('a file', () => {
  it.each([
    ['with wrong syntax', 'config.toml', '[[datasets]]\nresolution = "C:\\photos"\n', /line 2, column \d+/],
    ['with a key twice', 'config.toml', 'a = 1\na = 2\n', /line 2/],
    ['of another kind', 'config.yaml', 'a: 1', /neither \.toml nor \.json/],
    ['without data sets', 'config.toml', '[general]\n', /no \[\[datasets]]/],
    ['of neither trainer', 'config.toml', '[[datasets]]\nfolder = "a"\n', /no data set has/],
    [
      'of both trainers',
      'config.toml',
      '[[datasets]]\nimage_directory = "a"\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\n',
      /some data sets/,
    ],
    [
      'too deep in JSON',
      'config.json',
      `{"a": ${'['.repeat(100)}${']'.repeat(100)}}`,
      /levels inside each other/,
    ],
    ['too deep in TOML', 'config.toml', `a = ${'['.repeat(100)}${']'.repeat(100)}`, /nested/],
    ['of JSON that is none', 'config.json', '{"datasets": [}', /no valid JSON/],
    ['too large', 'config.toml', '#'.repeat(2 ** 20 + 1), /larger than 1048576 bytes/],
    [
      'with NUL in a path',
      'config.json',
      '{"datasets": [{"subsets": [{"image_dir": "a\\u0000"}]}]}',
      /must be a path/,
    ],
  ])('%s is refused', async (_what, name, text, message) => {
    write({ [name]: text });
    const error = asError(await readOrError(name));
    expect(error).toMatchObject({ code: 'ERR_DATASET_CONFIG', path: name });
    expect(error.remedy).toMatch(/\.$/);
    expect(error.message).toMatch(message);
  });

  it('that is not UTF-8 is refused', async () => {
    writeFileSync('config.toml', Buffer.from('a = "\xe9"\n', 'latin1'));
    expect(asError(await readOrError('config.toml')).message).toMatch(/not UTF-8/);
  });

  it('that is not there is refused', async () => {
    const error = asError(await readOrError('nowhere.toml'));
    expect(error).toMatchObject({ code: 'ERR_DATASET_CONFIG', path: 'nowhere.toml' });
    expect(error.message).toMatch(/does not exist/);
  });

  it('with keys of the prototype has unknown keys and nothing else', async () => {
    write({
      'config.toml':
        '__proto__.polluted = true\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\nconstructor = 1\n',
    });
    const { unknown } = asConfig(await readOrError('config.toml'));
    expect(unknown.map(({ place }) => place)).toEqual(['__proto__', 'datasets[0].subsets[0].constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

it('names settings as a build does', () => {
  const settings: DatasetSettings = {};
  // checked by the compiler
  const options: Partial<BuildOptions> = settings;
  expect(options).toEqual({});
});
