/** The answers that come with the package: `test/golden/make_selftest.py` makes them with torch, OpenCV, Pillow and mpmath. */
import { readFile } from 'node:fs/promises';
import type { Interpolation } from '../native/binding.js';
import type { MomentName, MomentValues } from './compare.js';
import type { CoarsePrecision } from './limits.js';
import type { ImageKind } from './seeded-images.js';

export type NetworkName = 'small' | 'full';

export interface EncoderCase {
  readonly network: NetworkName;
  /** Of the weights. */
  readonly seed: number;
  readonly image: ImageKind;
  readonly imageSeed: number;
  readonly height: number;
  readonly width: number;
  /** Root mean square of the error of each emulated arithmetic. */
  readonly arithmetic: Readonly<Record<CoarsePrecision, Readonly<Record<MomentName, number>>>>;
  readonly right: MomentValues;
}

export interface ResizeCase {
  readonly interpolation: Interpolation;
  readonly colors: 'gradient' | 'grain';
  readonly seed: number;
  readonly size: readonly [width: number, height: number];
  readonly resized: readonly [width: number, height: number];
  readonly window: readonly [left: number, top: number, width: number, height: number];
  readonly rgb: { readonly base64: string } | { readonly sha256: string };
}

export interface PosteriorCase {
  readonly seed: string;
  readonly mean: readonly number[];
  readonly logvar: readonly number[];
  readonly latent: readonly number[];
}

export interface KnownAnswers {
  readonly networks: Readonly<
    Record<NetworkName, { readonly widths: readonly number[]; readonly blocks: number }>
  >;
  readonly encoder: readonly EncoderCase[];
  readonly resize: readonly ResizeCase[];
  readonly posterior: readonly PosteriorCase[];
}

interface StoredCase extends Omit<EncoderCase, 'right'> {
  readonly offset: number;
  readonly count: number;
}

const folder = new URL('../../assets/selftest/', import.meta.url);

export async function loadKnownAnswers(): Promise<KnownAnswers> {
  const text = (name: string) => readFile(new URL(name, folder), 'utf8');
  const { networks, cases } = JSON.parse(await text('encoder.json')) as {
    networks: KnownAnswers['networks'];
    cases: readonly StoredCase[];
  };
  const bytes = await readFile(new URL('encoder.f32', folder));
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  const encoder = cases.map(({ offset, count, ...one }) => ({
    ...one,
    right: {
      mean: values.slice(offset, offset + count),
      logvar: values.slice(offset + count, offset + 2 * count),
    },
  }));
  const { resize, posterior } = JSON.parse(await text('known-answers.json')) as Pick<
    KnownAnswers,
    'resize' | 'posterior'
  >;
  return { networks, encoder, resize, posterior };
}
