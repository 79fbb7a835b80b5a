/**
 * What made a cache, kept in the zip comment of its own file: numpy and the trainers never look there, and it cannot
 * be lost apart from the latents. One record for each key suffix.
 */
import { MODEL_IDS, type ModelId } from '../model/catalog.js';
import type { LatentDtype } from './latent-entry.js';

/** The image file as it was read. No times: copies of a data set give the same caches. */
export interface SourceState {
  readonly bytes: number;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
}

/** Everything besides the image that the stored numbers depend on. */
export interface RecipeRecord {
  /** Fingerprint of the encoder's tensors; 'approximate …' of a tiny encoder, 'simulated …' where none computed. */
  readonly vae: string;
  readonly posterior: 'mean' | 'sample';
  /** null with posterior mean, which no seed changes. */
  readonly seed: number | null;
  readonly dtype: LatentDtype;
  /** What was asked for; `default` is the trainer's own choice by size. */
  readonly interpolation: string;
  /**
   * What was done to the pixels beyond what the trainer does: see `PLAIN_PIXELS`. Converted latents also say here whose
   * pixels they are of, and through which narrower type they went.
   */
  readonly pixels: string;
}

/** Nothing. */
export const PLAIN_PIXELS = 'trainer';

/** What did the arithmetic; recorded, not compared: another machine may go on where one stopped. */
export interface EncoderRecord {
  readonly backend: string;
  readonly precision: string;
}

export interface ProvenanceRecord {
  /** What the latents are for: the same VAE can serve several models. null in records of older versions. */
  readonly model: ModelId | null;
  readonly recipe: RecipeRecord;
  readonly encoder: EncoderRecord;
  readonly source: SourceState;
  /** Its control images, in their order; absent where there are none. */
  readonly controls?: readonly SourceState[];
}

/** Backends whose names begin like this only pretend to encode. */
const SIMULATED = 'sim:';

/** Whether latents of this backend are good for nothing but tests. */
export function isSimulated(backend: string): boolean {
  return backend.startsWith(SIMULATED);
}

/** In front of the fingerprint of a tiny encoder. */
const APPROXIMATE = 'approximate ';

export function nameApproximate(fingerprint: string): string {
  return `${APPROXIMATE}${fingerprint}`;
}

/** Whether a record's VAE is a tiny encoder, whose latents only resemble those of the VAE. */
export function isApproximate(vae: string): boolean {
  return vae.startsWith(APPROXIMATE);
}

const MARK = 'latent-cache';
const FORMAT = 1;

export function encodeProvenance(records: ReadonlyMap<string, ProvenanceRecord>): Uint8Array {
  return Buffer.from(JSON.stringify({ [MARK]: FORMAT, entries: Object.fromEntries(records) }), 'utf8');
}

/** The records in a zip comment; empty for files that are not ours. */
export function decodeProvenance(comment: Uint8Array): Map<string, ProvenanceRecord> {
  if (comment.length === 0) return new Map();
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(comment).toString('utf8'));
  } catch {
    return new Map();
  }
  if (!isObject(parsed) || parsed[MARK] !== FORMAT || !isObject(parsed.entries)) return new Map();
  const records = new Map<string, ProvenanceRecord>();
  for (const [suffix, value] of Object.entries(parsed.entries)) {
    const record = readRecord(value);
    if (record !== undefined) records.set(suffix, record);
  }
  return records;
}

/** Equal in every field that changes the stored numbers. */
export function sameRecipe(a: RecipeRecord, b: RecipeRecord): boolean {
  return (
    a.vae === b.vae &&
    a.posterior === b.posterior &&
    a.seed === b.seed &&
    a.dtype === b.dtype &&
    a.interpolation === b.interpolation &&
    a.pixels === b.pixels
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The known fields alone: what is kept from a file is written into the next one. */
function readRecord(value: unknown): ProvenanceRecord | undefined {
  if (!isObject(value) || !isObject(value.recipe) || !isObject(value.encoder)) return;
  const { vae, posterior, seed, dtype, interpolation, pixels = PLAIN_PIXELS } = value.recipe;
  const { backend, precision } = value.encoder;
  const source = readSource(value.source);
  const controls = value.controls === undefined ? [] : readSources(value.controls);
  const texts = [vae, posterior, dtype, interpolation, pixels, backend, precision];
  const isSound = texts.every((text) => typeof text === 'string') && (seed === null || Number.isFinite(seed));
  if (!isSound || source === undefined || controls === undefined) return;
  return {
    model: MODEL_IDS.find((id) => id === value.model) ?? null,
    recipe: { vae, posterior, seed, dtype, interpolation, pixels },
    encoder: { backend, precision },
    source,
    ...(controls.length > 0 && { controls }),
  } as ProvenanceRecord;
}

function readSources(value: unknown): SourceState[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const sources = value.map(readSource);
  return sources.some((source) => source === undefined) ? undefined : (sources as SourceState[]);
}

function readSource(value: unknown): SourceState | undefined {
  if (!isObject(value)) return undefined;
  const { bytes, sha256 } = value;
  if (!Number.isSafeInteger(bytes) || typeof sha256 !== 'string') return undefined;
  return { bytes: bytes as number, sha256 };
}
