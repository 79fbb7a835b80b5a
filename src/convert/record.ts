/** Our own record of converted latents. */
import type { LatentDtype } from '../cache/latent-entry.js';
import { PLAIN_PIXELS, type ProvenanceRecord } from '../cache/provenance.js';
import type { ModelId } from '../model/catalog.js';
import type { FormatId } from '../trainers/trainer.js';

export interface Conversion {
  readonly to: FormatId;
  readonly model: ModelId;
  /** Of the latents as they are stored now. */
  readonly dtype: LatentDtype;
  /** The narrower type in which they were, where numbers were lost by that. */
  readonly through: LatentDtype | undefined;
  /** Whose pixels they are of, where the new trainer's would differ. */
  readonly pixelsOf: FormatId | undefined;
  /** The pixels were turned upright, which the new trainer does not do. */
  readonly turned: boolean;
}

/**
 * The record goes along, with what the conversion changed. Latents that differ from those that `build` would write say so in
 * `pixels`, so that the next build does not take them for its own.
 */
export function convertRecord(record: ProvenanceRecord, conversion: Conversion): ProvenanceRecord {
  const { dtype, model } = conversion;
  return {
    ...record,
    model,
    recipe: { ...record.recipe, dtype, pixels: describe(record.recipe.pixels, conversion) },
  };
}

const THROUGH = / ?through (float16|bfloat16)/;
const PIXELS_OF = / ?pixels of [a-z-]+$/;

function describe(before: string, { to, through, pixelsOf, turned }: Conversion): string {
  const narrowest = THROUGH.exec(before)?.[1] ?? through;
  const choices = before
    .replace(PIXELS_OF, '')
    .replace(THROUGH, '')
    .split(' ')
    // ai-toolkit turns all images, without being told.
    .filter((word) => word !== '' && word !== PLAIN_PIXELS && word !== 'upright');
  const wasUpright = before.split(' ').includes('upright');
  const parts = [
    ...(to !== 'ai-toolkit' && (wasUpright || turned) ? ['upright'] : []),
    ...choices,
    ...(narrowest === undefined ? [] : [`through ${narrowest}`]),
    ...(pixelsOf === undefined ? [] : [`pixels of ${pixelsOf}`]),
  ];
  return parts.length === 0 ? PLAIN_PIXELS : parts.join(' ');
}
