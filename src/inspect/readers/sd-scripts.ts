/** Whether sd-scripts takes a file: the checks of its three generations (docs/inspect.md). */
import { sizeName } from '../../dataset/size.js';
import { MODELS, type ModelId } from '../../model/catalog.js';
import { LEGACY_MODELS, SD_SCRIPTS_MODELS } from '../../trainers/sd-scripts/models.js';
import { bucketOf, type CacheEntry, latentShape } from '../entries.js';
import {
  type Acceptance,
  accept,
  describe,
  refusedContainer,
  type Subject,
  type Verdict,
} from './subject.js';

interface Generation {
  readonly reader: Extract<Acceptance['reader'], `sd-scripts-${string}`>;
  knows(model: ModelId): boolean;
  /** `{image}.npz`, or with size and suffix. */
  takesOldNames(model: ModelId): boolean;
  takesSizedNames: boolean;
  takesBareKeys(model: ModelId): boolean;
  takesSizedKeys(model: ModelId): boolean;
  /** Compares the size of bare latents with the bucket. */
  readonly checksSize: boolean;
}

const isOld = (model: ModelId) => LEGACY_MODELS.has(model);
const isKnown = (model: ModelId) => SD_SCRIPTS_MODELS[model] !== undefined;

const GENERATIONS: readonly Generation[] = [
  {
    reader: 'sd-scripts-before-0.10',
    knows: isOld,
    takesOldNames: () => true,
    takesSizedNames: false,
    takesBareKeys: () => true,
    takesSizedKeys: () => false,
    checksSize: true,
  },
  {
    reader: 'sd-scripts-0.10',
    knows: isKnown,
    takesOldNames: isOld,
    takesSizedNames: true,
    takesBareKeys: isOld,
    takesSizedKeys: (model) => !isOld(model),
    checksSize: false,
  },
  {
    reader: 'sd-scripts-since-pr-2269',
    knows: isKnown,
    takesOldNames: isOld,
    takesSizedNames: true,
    takesBareKeys: isOld,
    takesSizedKeys: () => true,
    checksSize: true,
  },
];

export function acceptanceOfSdScripts(subject: Subject): Acceptance[] {
  return GENERATIONS.map((generation) =>
    subject.contents.container === 'npz'
      ? accept(generation.reader, subject, generation.knows, (model) => judge(subject, generation, model))
      : refusedContainer(generation.reader, '.npz'),
  );
}

function judge({ name, entries }: Subject, generation: Generation, model: ModelId): Verdict {
  const reasons: string[] = [];
  const { suffix } = SD_SCRIPTS_MODELS[model]!;
  const isSized = name.size !== undefined;
  if (isSized && !generation.takesSizedNames)
    reasons.push('it looks for {image}.npz, without size and suffix');
  else if (isSized && !name.models.includes(model))
    reasons.push(`for ${MODELS[model].title} it looks for the suffix _${suffix}`);
  else if (!isSized && !generation.takesOldNames(model))
    reasons.push(`it looks for {image}_{W}x{H}_${suffix}.npz`);

  const readable = entries.filter(({ keySuffix }) =>
    keySuffix === '' ? generation.takesBareKeys(model) : generation.takesSizedKeys(model),
  );
  if (readable.length === 0) {
    const wanted = generation.takesBareKeys(model) ? 'latents' : 'latents_{h}x{w}';
    const there = entries.map(({ latents }) => latents.name).join(', ');
    reasons.push(`it looks for the key ${wanted}, the file has ${there || 'no latents'}`);
  }
  reasons.push(...readable.flatMap((entry) => faultsOf(entry, model)));
  return { reasons, notes: notesOf(readable, generation, model) };
}

function notesOf(entries: readonly CacheEntry[], generation: Generation, model: ModelId): string[] {
  const sizes = entries.flatMap(({ latents }) => {
    const shape = latentShape(latents);
    return shape === undefined ? [] : [sizeName(bucketOf(model, shape))];
  });
  const unchecked = !generation.checksSize && isOld(model);
  const notes = [
    unchecked
      ? `the size is not compared: it is used for every bucket, and fits ${sizes.join(', ')}`
      : `where the image’s bucket is ${sizes.join(' or ')}`,
  ];
  if (entries.some(({ alphaMask }) => alphaMask !== undefined)) {
    const needsOption = generation.reader === 'sd-scripts-before-0.10';
    notes.push(needsOption ? 'only with alpha_mask' : 'its mask is used, whatever the options say');
  }
  return notes;
}

/** What the loader's `torch.FloatTensor` takes. */
const FLOATS: readonly string[] = ['float16', 'float32', 'float64'];

function faultsOf(entry: CacheEntry, model: ModelId): string[] {
  const { keySuffix, latents, latentsFlipped, alphaMask, originalSize, cropLtrb } = entry;
  const { latentChannels } = MODELS[model];
  // An axis of one frame is left out by the loader of this model alone.
  const shape = latents.shape.length === 3 || model === 'anima' ? latentShape(latents) : undefined;
  if (shape?.[0] !== latentChannels) {
    return [`${latents.name} is ${describe(latents)}, not (${latentChannels}, h, w)`];
  }
  const faults: string[] = [];
  const [, height, width] = shape;
  if (keySuffix !== '' && keySuffix !== `_${height}x${width}`)
    faults.push(`${latents.name} is ${height}x${width}, not what its key says`);
  const arrays = [latents, latentsFlipped, alphaMask].filter((array) => array !== undefined);
  for (const array of arrays) {
    if (!FLOATS.includes(array.dtype))
      faults.push(`${array.name} is ${array.dtype}, which its loader refuses`);
  }
  if (latentsFlipped !== undefined && latentsFlipped.shape.join() !== latents.shape.join())
    faults.push(`${latentsFlipped.name} has another shape than ${latents.name}`);
  const bucket = bucketOf(model, shape);
  if (alphaMask !== undefined && alphaMask.shape.join() !== [bucket.height, bucket.width].join())
    faults.push(`${alphaMask.name} is ${describe(alphaMask)}, not (${bucket.height}, ${bucket.width})`);
  if (originalSize === undefined) faults.push(`original_size${keySuffix} is missing or no size`);
  if (cropLtrb === undefined) faults.push(`crop_ltrb${keySuffix} is missing or no four numbers`);
  return faults;
}
