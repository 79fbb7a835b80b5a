/** Whether musubi-tuner takes a file. It checks nothing itself: what it would stop on counts. */
import path from 'node:path';
import { sizeName } from '../../dataset/size.js';
import { MODELS, type ModelId } from '../../model/catalog.js';
import { storedShape } from '../../trainers/latent-shape.js';
import { isPattern, parseCacheName, textCacheName } from '../../trainers/musubi/files.js';
import { MUSUBI_MODELS } from '../../trainers/musubi/models.js';
import { bucketOf, latentShape } from '../entries.js';
import {
  type Acceptance,
  accept,
  describe,
  refusedContainer,
  type Subject,
  TENSOR_FLOATS,
  type Verdict,
} from './subject.js';

export function acceptanceOfMusubi(subject: Subject): Acceptance {
  if (subject.contents.container !== 'safetensors') return refusedContainer('musubi', '.safetensors');
  return accept(
    'musubi',
    subject,
    (model) => MUSUBI_MODELS[model] !== undefined,
    (model) => judge(subject, model),
  );
}

function judge({ contents, name }: Subject, model: ModelId): Verdict {
  const musubi = MUSUBI_MODELS[model]!;
  const { architecture, axes } = musubi;
  const parsed = parseCacheName(path.basename(contents.path), architecture);
  const reasons: string[] = [];
  const notes: string[] = [];
  if (parsed === undefined) reasons.push(`it looks for {image}_{W}x{H}_${architecture}.safetensors`);
  else notes.push(`with ${textCacheName(parsed.stem, architecture)} beside it`);
  if (isPattern(path.dirname(contents.path)))
    notes.push('not where cache_directory has [, * or ? in it, which it takes for a pattern');

  const keys = [...contents.arrays.keys()].filter((key) => key.startsWith('latents_'));
  const [main, ...more] = keys.filter((key) => !key.startsWith('latents_control'));
  if (main === undefined || more.length > 0) {
    const there = [...contents.arrays.keys()].join(', ');
    const wanted = `latents_${musubi.keySize === 'frames' ? '1x' : ''}{h}x{w}_{type}`;
    return { reasons: [...reasons, `it looks for one key ${wanted}, the file has ${there}`], notes };
  }
  const latents = contents.arrays.get(main)!;
  if (!TENSOR_FLOATS.includes(latents.dtype))
    reasons.push(`${main} is ${latents.dtype}, not floats of 16 or 32 bits`);
  // A bucket of one patch: of its shape only the channels are compared.
  const channels = storedShape(MODELS[model], musubi.values, { width: 64, height: 64 })[0];
  const shape = latentShape(latents);
  const wanted = axes === 'cfhw' ? [channels, 1, 'h', 'w'] : [channels, 'h', 'w'];
  if (shape?.[0] !== channels || latents.shape.length !== wanted.length)
    reasons.push(`${main} is ${describe(latents)}, not (${wanted.join(', ')})`);
  else
    notes.push(
      `where the bucket of ${name.size === undefined ? 'the image' : sizeName(name.size)} is ${sizeName(bucketOf(model, shape))}`,
    );
  if (musubi.control === 'one' && !keys.some((key) => key.startsWith('latents_control_')))
    reasons.push('it needs the latents of a control image, latents_control_1x{h}x{w}_{type}');
  return { reasons, notes };
}
