/**
 * The answers that come with the package: `test/golden/make_selftest.py` and `make_selftest_families.py` make them with
 * torch, OpenCV, Pillow and mpmath.
 */
import { readFile } from 'node:fs/promises';
import type { VaeKind } from '../model/architecture.js';
import type { ModelId } from '../model/catalog.js';
import type { VaeLayout } from '../model/layouts/layouts.js';
import type { Interpolation } from '../native/binding.js';
import type { MomentName, MomentValues } from './compare.js';
import type { CoarsePrecision } from './limits.js';
import type { ImageKind } from './seeded-images.js';

export type NetworkName = 'small' | 'full';

/** An image, and its moments in float64. */
export interface MomentCase {
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

export interface EncoderCase extends MomentCase {
  readonly network: NetworkName;
}

/** A narrow VAE of another kind than SDXL's. */
export interface FamilyCase extends MomentCase {
  readonly vae: VaeKind;
  readonly model: ModelId;
  readonly layout: VaeLayout;
  readonly widths: readonly number[];
  readonly blocksPerLevel: number;
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
  readonly families: readonly FamilyCase[];
  readonly resize: readonly ResizeCase[];
  readonly posterior: readonly PosteriorCase[];
}

/** As JSON has it; the moments are in the file of floats beside it. */
type Stored<Case extends MomentCase> = Omit<Case, 'right'> & {
  readonly offset: number;
  readonly count: number;
};

const folder = new URL('../../assets/selftest/', import.meta.url);

export async function loadKnownAnswers(): Promise<KnownAnswers> {
  const text = (name: string) => readFile(new URL(name, folder), 'utf8');
  const floats = async (name: string) =>
    new Float32Array(Uint8Array.from(await readFile(new URL(name, folder))).buffer);
  const { networks, cases } = JSON.parse(await text('encoder.json')) as {
    networks: KnownAnswers['networks'];
    cases: readonly Stored<EncoderCase>[];
  };
  const { cases: narrow } = JSON.parse(await text('families.json')) as {
    cases: readonly Stored<FamilyCase>[];
  };
  const right = await floats('encoder.f32');
  const encoder = cases.map((one) => ({ ...one, right: momentsAt(right, one) }));
  const rightOfFamilies = await floats('families.f32');
  const families = narrow.map((one) => ({ ...one, right: momentsAt(rightOfFamilies, one) }));
  const { resize, posterior } = JSON.parse(await text('known-answers.json')) as Pick<
    KnownAnswers,
    'resize' | 'posterior'
  >;
  return { networks, encoder, families, resize, posterior };
}

function momentsAt(
  values: Float32Array,
  { offset, count }: { readonly offset: number; readonly count: number },
): MomentValues {
  return {
    mean: values.slice(offset, offset + count),
    logvar: values.slice(offset + count, offset + 2 * count),
  };
}
