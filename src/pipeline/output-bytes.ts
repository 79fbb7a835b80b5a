import type { Bucket } from '../dataset/bucket.js';
import type { Target } from './options.js';
import { latentShape, type PlannedImage, planned, storedShape } from './plan-image.js';
import type { ChosenImages } from './work-list.js';

/** Bytes of the files that one target will make, before compression of masks. */
export function outputBytes({ target, table, chosen, bucketOf, buckets }: ChosenImages): number {
  const sizes = buckets.map((bucket) => fileBytes(bucket, target));
  const controls = (image: number) =>
    target.trainer.controls === undefined ? 0 : controlBytes(planned(table, image, target));
  return chosen.reduce((sum, image) => sum + sizes[bucketOf[image]!]! + controls(image), 0);
}

function fileBytes(bucket: Bucket, target: Target): number {
  const latent = latentBytes(latentShape(bucket, target.model), target);
  const { flipAug, alphaMask, trainer } = target;
  return trainer.files.overhead(bucket, alphaMask) + latent * (flipAug ? 2 : 1);
}

function controlBytes({ controls, target }: PlannedImage): number {
  return controls.reduce((sum, control) => sum + latentBytes(control.latentShape, target), 0);
}

function latentBytes(shape: PlannedImage['latentShape'], target: Target): number {
  const [channels, height, width] = storedShape(shape, target);
  return channels * height * width * (target.dtype === 'float32' ? 4 : 2);
}
