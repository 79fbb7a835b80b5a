/** Control images: what is known of them before they are decoded, and how the manifest tells whether they changed. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Geometry } from '../dataset/geometry.js';
import { hashImage } from '../dataset/hash-image.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { FileState } from '../manifest/file-state.js';
import type { ControlRules, Resampling } from '../trainers/trainer.js';

/** A control image that was looked at. */
export interface ControlImage {
  /** As the user would write it. */
  readonly path: string;
  readonly info: ImageInfo;
  /** The file before anything of it was read. */
  readonly state: FileState;
}

/** A control image of one cache. */
export interface PlannedControl extends ControlImage {
  readonly geometry: Geometry;
  readonly resampling: Resampling;
  /** (channels, height, width) of what the encoder makes of it. */
  readonly latentShape: readonly [number, number, number];
}

/**
 * Whatever is wrong with a control image is wrong with the image that it belongs to.
 *
 * @param file the control image
 */
export function controlError(file: string, thrown: unknown): LatentCacheError {
  const { message } = thrown as Error;
  const remedy = thrown instanceof LatentCacheError ? thrown.remedy : undefined;
  const text = message.includes(file) ? message : `${file}: ${message}`;
  return new LatentCacheError('ERR_CONTROL_IMAGE', `Its control image cannot be used: ${text}`, {
    path: file,
    remedy: remedy ?? 'Repair or replace the control image.',
    cause: thrown,
  });
}

/**
 * Stands for the files of control images in a row of the manifest, with their times, and for the rules by which they get
 * their sizes: equal only where nothing has changed.
 *
 * @returns undefined where there are none
 */
export function controlMark(
  rules: ControlRules | undefined,
  controls: readonly Pick<ControlImage, 'path' | 'state'>[],
): string | undefined {
  if (rules === undefined || controls.length === 0) return undefined;
  const facts = controls.map(({ path: file, state }) =>
    [path.resolve(file), state.bytes, state.modified, state.changed].map(String),
  );
  const hash = createHash('sha256').update(JSON.stringify([rules.key, facts]));
  return hash.digest('hex').slice(0, 32);
}

/**
 * Whether a cache was made of other control images than there are now. Reads all of them.
 *
 * @throws LatentCacheError `ERR_CONTROL_IMAGE`
 */
export async function haveControlsChanged(
  { controls: made = [] }: ProvenanceRecord,
  controls: readonly ControlImage[],
): Promise<boolean> {
  if (made.length !== controls.length) return true;
  for (const [index, { path: file, info }] of controls.entries()) {
    const { bytes, sha256 } = made[index]!;
    if (bytes !== info.bytes) return true;
    const now = await hashImage(file).catch((cause: unknown) => {
      throw controlError(file, cause);
    });
    if (sha256 !== now) return true;
  }
  return false;
}
