/** Moments of larger images, from an encoder that shares no arithmetic with the device. */
import type { ImageBatch } from '../../encoder/encoder.js';
import { LatentCacheError } from '../../errors.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { type Checklist, Skip } from '../checklist.js';
import { encode } from '../encoding.js';
import type { Figures } from '../report.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';
import type { ReferenceCase } from './results.js';

export interface References {
  readonly cases: readonly ReferenceCase[];
  /** Why there are none. */
  readonly missing: string | null;
}

/** @param runtime of the device's encoder: the reference is another library */
export async function computeReferences(
  list: Checklist,
  target: Target,
  weights: VaeEncoderWeights,
  runtime: string,
  sizes: readonly (readonly [width: number, height: number])[],
): Promise<References> {
  const cases: ReferenceCase[] = [];
  let missing: string | null = 'the reference could not be computed';
  await list.run(
    'reference',
    'a float32 reference is computed by another library',
    async (): Promise<Figures> => {
      const encoder = await target.openReference(weights, runtime).catch((error: unknown) => {
        if (!(error instanceof LatentCacheError) || error.code !== 'ERR_BACKEND_MISSING') throw error;
        missing = 'no second encoder: "npm install onnxruntime-node" brings one';
        throw new Skip(missing);
      });
      await using _ = encoder;
      for (const [index, [width, height]] of sizes.entries()) {
        const batch: ImageBatch = {
          images: [seededImage('photo', 700 + index, height, width)],
          width,
          height,
        };
        const { mean, logvar } = await encode(encoder, batch, list.signal);
        cases.push({ batch, right: { mean, logvar } });
      }
      missing = null;
      return { runtime: encoder.info.runtime, sizes: sizes.map((sides) => sides.join('x')).join(' ') };
    },
  );
  return { cases: missing === null ? cases : [], missing };
}
