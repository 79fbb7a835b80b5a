/** Whether a file is of our own format, as docs/safetensors-format.md specifies it. */
import { FORMAT_NAME, FORMAT_VERSION } from '../../trainers/safetensors/files.js';
import { latentShape } from '../entries.js';
import {
  type Acceptance,
  accept,
  describe,
  refusedContainer,
  type Subject,
  TENSOR_FLOATS,
} from './subject.js';

export function acceptanceOfPlain(subject: Subject): Acceptance {
  if (subject.contents.container !== 'safetensors') return refusedContainer('safetensors', '.safetensors');
  return accept(
    'safetensors',
    subject,
    () => true,
    (model) => {
      const reasons = faultsOf(subject);
      if (!subject.name.models.includes(model))
        reasons.push(`its name is not {image}_{W}x{H}_${model}.safetensors`);
      return { reasons, notes: [] };
    },
  );
}

function faultsOf({ contents, entries }: Subject): string[] {
  const { metadata } = contents;
  if (metadata.get('format') !== FORMAT_NAME) return [`its metadata do not say format ${FORMAT_NAME}`];
  const faults: string[] = [];
  if (metadata.get('format_version') !== FORMAT_VERSION)
    faults.push(`its format_version is ${metadata.get('format_version')}, only ${FORMAT_VERSION} is known`);
  if (entries.length === 0) faults.push('it has no key latents_{h}x{w}');
  for (const { latents, keySuffix, originalSize, cropLtrb } of entries) {
    const shape = latentShape(latents);
    if (!TENSOR_FLOATS.includes(latents.dtype) || latents.shape.length !== 3 || shape === undefined)
      faults.push(`${latents.name} is ${describe(latents)}, not (C, h, w) of floats of 16 or 32 bits`);
    else if (keySuffix !== `_${shape[1]}x${shape[2]}`)
      faults.push(`${latents.name} is ${shape[1]}x${shape[2]}, not what its key says`);
    if (originalSize === undefined) faults.push(`original_size${keySuffix} is missing or no size`);
    if (cropLtrb === undefined) faults.push(`crop_ltrb${keySuffix} is missing or no four numbers`);
  }
  return faults;
}
