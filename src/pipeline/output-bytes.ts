import type { Bucket } from '../dataset/bucket.js';
import type { Target } from './options.js';
import { latentShape, storedShape } from './plan-image.js';
import type { ChosenImages } from './work-list.js';

/** Bytes of the files that one target will make, before compression of masks. */
export function outputBytes({ target, chosen, bucketOf, buckets }: ChosenImages): number {
  const sizes = buckets.map((bucket) => fileBytes(bucket, target));
  return chosen.reduce((sum, image) => sum + sizes[bucketOf[image]!]!, 0);
}

function fileBytes(bucket: Bucket, target: Target): number {
  const [channels, height, width] = storedShape(latentShape(bucket, target.model), target);
  const latent = channels * height * width * (target.dtype === 'float32' ? 4 : 2);
  const { flipAug, alphaMask, trainer } = target;
  return trainer.files.overhead(bucket, alphaMask) + latent * (flipAug ? 2 : 1);
}
