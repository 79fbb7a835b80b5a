/** Whether ai-toolkit takes a file: it does when it has the name that it computes for the image. */
import path from 'node:path';
import { extensionOf } from '../../dataset/image-names.js';
import { MODELS, type ModelId } from '../../model/catalog.js';
import {
  CACHE_FOLDER,
  cacheName,
  LATENT_KEY,
  type LatentItem,
  parseCacheName,
} from '../../trainers/ai-toolkit/files.js';
import { AI_TOOLKIT_MODELS } from '../../trainers/ai-toolkit/models.js';
import { storedShape } from '../../trainers/latent-shape.js';
import { latentShape } from '../entries.js';
import {
  type Acceptance,
  accept,
  describe,
  refusedContainer,
  type Subject,
  TENSOR_FLOATS,
  type Verdict,
} from './subject.js';

export function acceptanceOfAiToolkit(subject: Subject): Acceptance {
  if (subject.contents.container !== 'safetensors') return refusedContainer('ai-toolkit', '.safetensors');
  return accept(
    'ai-toolkit',
    subject,
    (model) => AI_TOOLKIT_MODELS[model] !== undefined,
    (model) => judge(subject, model),
  );
}

function judge({ contents }: Subject, model: ModelId): Verdict {
  const reasons: string[] = [];
  const file = path.resolve(contents.path);
  if (path.basename(path.dirname(file)) !== CACHE_FOLDER)
    reasons.push(`it looks in the folder ${CACHE_FOLDER} beside the image`);
  reasons.push(...nameFaults(path.basename(file), contents.metadata));
  const latents = contents.arrays.get(LATENT_KEY);
  if (latents === undefined) {
    const there = [...contents.arrays.keys()].join(', ');
    return { reasons: [...reasons, `it looks for the key ${LATENT_KEY}, the file has ${there}`], notes: [] };
  }
  // A bucket of one patch: of its shape only the channels are compared.
  const channels = storedShape(MODELS[model], 'normalised', { width: 64, height: 64 })[0];
  if (latents.shape.length !== 3 || latentShape(latents)?.[0] !== channels)
    reasons.push(`${LATENT_KEY} is ${describe(latents)}, not (${channels}, h, w)`);
  if (!TENSOR_FLOATS.includes(latents.dtype))
    reasons.push(`${LATENT_KEY} is ${latents.dtype}, not floats of 16 or 32 bits`);
  const says = itemOf(contents.metadata);
  const notes =
    says === undefined
      ? []
      : [
          `while it scales ${says.fileName} to ${says.geometry.resized.width}x${says.geometry.resized.height} and cuts ` +
            `${says.geometry.bucket.width}x${says.geometry.bucket.height} out`,
        ];
  return { reasons, notes };
}

function nameFaults(name: string, metadata: ReadonlyMap<string, string>): string[] {
  if (parseCacheName(name) === undefined) return ['it looks for {image}_{hash}.safetensors'];
  const item = itemOf(metadata);
  if (item === undefined) return [];
  return cacheName(item) === name ? [] : ['the hash in its name is not that of its metadata'];
}

/** All that an image's hash is made of; others belong to videos and sound. */
const FIELDS: readonly string[] = [
  'filename',
  'scale_to_width',
  'scale_to_height',
  'crop_x',
  'crop_y',
  'crop_width',
  'crop_height',
  'latent_space_version',
  'latent_version',
  'flip_x',
  'flip_y',
];
const NOT_HASHED: readonly string[] = ['software', 'format'];

/** What the metadata says that the file is of; undefined when they do not say all, or more than is known here. */
export function itemOf(metadata: ReadonlyMap<string, string>): LatentItem | undefined {
  if ([...metadata.keys()].some((key) => !FIELDS.includes(key) && !NOT_HASHED.includes(key)))
    return undefined;
  const numbers = FIELDS.slice(1, 7).map((key) => Number(metadata.get(key) ?? Number.NaN));
  const [fileName, latentSpaceVersion] = [metadata.get('filename'), metadata.get('latent_space_version')];
  if (!numbers.every(Number.isSafeInteger) || fileName === undefined || latentSpaceVersion === undefined)
    return undefined;
  if (extensionOf(fileName) === '' || metadata.get('latent_version') !== '1') return undefined;
  const [resizedWidth, resizedHeight, left, top, width, height] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    fileName,
    latentSpaceVersion,
    geometry: {
      resized: { width: resizedWidth, height: resizedHeight },
      crop: { left, top },
      bucket: { width, height },
    },
    flipX: metadata.get('flip_x') === 'true',
    flipY: metadata.get('flip_y') === 'true',
  };
}
