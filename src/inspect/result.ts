/** What `inspectCache` tells of a file. */
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import type { FormatId } from '../trainers/trainer.js';
import type { Framing } from './entries.js';
import type { ModelGuess } from './identify.js';
import type { InspectedImage } from './image-beside.js';
import type { Container } from './read-contents.js';
import type { Acceptance } from './readers/subject.js';
import type { Statistics } from './statistics.js';

export interface InspectedArray {
  readonly name: string;
  /** `float32`, `bfloat16`, `uint8` … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly statistics: Statistics;
}

/** The latents of one resolution. */
export interface InspectedEntry {
  /** Behind the names of its arrays; '' where the file holds one resolution. */
  readonly keySuffix: string;
  readonly latents: InspectedArray;
  /** Of the mirrored image. */
  readonly latentsFlipped: InspectedArray | null;
  /** `coverage`: how much of the image counts, the mean of the mask from 0 to 1. */
  readonly alphaMask: (InspectedArray & { readonly coverage: number }) | null;
  /** The pixels that the latents stand for; null when nothing tells the model. */
  readonly bucket: Size | null;
  /** Of the image before anything was resized, as the file says it. */
  readonly originalSize: Size | null;
  /** left, top, right, bottom: SDXL's size conditioning. */
  readonly cropLtrb: readonly number[] | null;
  /** How the image was scaled and cut, where the file says it. */
  readonly framing: Framing | null;
  /** What its format holds for its model: what the encoder gives, or what the network takes. */
  readonly values: 'raw' | 'normalised' | null;
  /** How latent-cache made it; null where another program did. */
  readonly record: ProvenanceRecord | null;
}

export interface CacheInspection {
  readonly path: string;
  readonly container: Container;
  readonly bytes: number;
  /** CRC-32 of the whole file. */
  readonly crc32: number;
  /** Whose; null when it is no latent cache. */
  readonly format: FormatId | null;
  /** What the latents are for. */
  readonly model: ModelGuess;
  readonly entries: readonly InspectedEntry[];
  /** Names of arrays that belong to no entry. */
  readonly otherArrays: readonly string[];
  /** Of a safetensors file, without our record. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The image beside it; null when there is none. */
  readonly image: InspectedImage | null;
  readonly acceptedBy: readonly Acceptance[];
  /** What is wrong or odd, one sentence each. */
  readonly hints: readonly string[];
}
