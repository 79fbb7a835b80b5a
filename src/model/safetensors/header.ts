/**
 * The header of a safetensors file, checked as strictly as the reference library checks it
 * (huggingface/safetensors, `tensor.rs`): nothing in it is believed before it has been compared with the file's size.
 */
import { bitsOf, type Dtype, isDtype } from './dtypes.js';
import { findDuplicateKey } from './json-keys.js';

/**
 * A header has about 100 bytes for each tensor, and a full SDXL checkpoint 2,500 of them. The reference library takes
 * 100 MB, but JSON of that length can become 50 times as much memory.
 */
export const MAX_HEADER_BYTES = 8_000_000;
/** torch's own limit. */
const MAX_DIMENSIONS = 64;

/** What can be wrong, by the names of the reference library where it has one. */
export type SafetensorsFault =
  | 'HeaderTooSmall'
  | 'HeaderTooLarge'
  | 'InvalidHeaderLength'
  | 'InvalidHeader'
  | 'InvalidHeaderStart'
  | 'InvalidHeaderDeserialization'
  | 'DuplicateKey'
  | 'InvalidMetadata'
  | 'UnknownDtype'
  | 'InvalidOffset'
  | 'TensorInvalidInfo'
  | 'MisalignedSlice'
  | 'ValidationOverflow'
  | 'MetadataIncompleteBuffer'
  | 'TrailingBytes';

/** Internal: the reader turns it into a LatentCacheError that names the file. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
  readonly fault: SafetensorsFault;

  constructor(fault: SafetensorsFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** First byte, from the start of the data section. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Length of the JSON header.
 *
 * @param prefix the first eight bytes of the file (fewer if the file is shorter): u64, little-endian.
 * @param fileBytes size of the whole file.
 * @throws SafetensorsError HeaderTooSmall, HeaderTooLarge or InvalidHeaderLength.
 */
export function readHeaderLength(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.byteLength < 8) {
    throw new SafetensorsError('HeaderTooSmall', `expected at least 8 bytes, the file has ${fileBytes}`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      'HeaderTooLarge',
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, the first eight bytes say ${length}`,
    );
  }
  const bytes = Number(length);
  if (bytes + 8 > fileBytes) {
    throw new SafetensorsError(
      'InvalidHeaderLength',
      `the header should end at byte ${bytes + 8}, the file ends at byte ${fileBytes}`,
    );
  }
  return bytes;
}

/**
 * Parses and validates the JSON header.
 *
 * @param json the header's bytes, without the length prefix; trailing spaces are padding.
 * @param dataBytes size of what follows the header in the file.
 * @throws SafetensorsError any of the other faults.
 */
export function parseHeader(json: Uint8Array, dataBytes: number): SafetensorsHeader {
  const text = decodeUtf8(json);
  if (!text.startsWith('{')) {
    throw new SafetensorsError(
      'InvalidHeaderStart',
      `the header should start with '{', it has ${quote(text[0] ?? '')}`,
    );
  }
  const root = parseJson(text);
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw new SafetensorsError('DuplicateKey', `the header names ${quote(duplicate)} twice`);
  }

  const metadata = new Map<string, string>();
  const tensors: [string, TensorInfo][] = [];
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') readMetadata(value, metadata);
    else tensors.push([name, readTensorInfo(name, value)]);
  }
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkLayout(tensors, dataBytes);
  return { tensors: new Map(tensors), metadata };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // a byte order mark is kept, so that it fails as a bad first character
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError('InvalidHeader', 'the header should be UTF-8 text', cause);
  }
}

function parseJson(text: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError('InvalidHeaderDeserialization', `the header should be JSON: ${reason}`, cause);
  }
  // text starts with '{', so that this can only be an object
  return root as Record<string, unknown>;
}

function readMetadata(value: unknown, into: Map<string, string>): void {
  if (!isRecord(value))
    throw new SafetensorsError('InvalidMetadata', '__metadata__ should map strings to strings');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new SafetensorsError(
        'InvalidMetadata',
        `__metadata__ ${quote(key)} should be a string, it is ${kindOf(text)}`,
      );
    }
    into.set(key, text);
  }
}

function readTensorInfo(name: string, value: unknown): TensorInfo {
  if (!isRecord(value)) throw badInfo(name, `an object, it is ${kindOf(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw badInfo(name, `a string as dtype, it is ${kindOf(dtype)}`);
  if (!isDtype(dtype)) {
    throw new SafetensorsError('UnknownDtype', `tensor ${quote(name)} has the unknown dtype ${quote(dtype)}`);
  }
  if (!isSizeList(shape) || shape.length > MAX_DIMENSIONS)
    throw badInfo(name, `a list of at most ${MAX_DIMENSIONS} non-negative integers as shape`);
  if (!isSizeList(offsets) || offsets.length !== 2)
    throw badInfo(name, 'two non-negative integers as data_offsets');
  return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

function badInfo(name: string, expected: string): SafetensorsError {
  return new SafetensorsError(
    'InvalidHeaderDeserialization',
    `tensor ${quote(name)} should have ${expected}`,
  );
}

/** The tensors must fill the data section exactly, in one order, and each must have the size its shape says. */
function checkLayout(tensors: readonly (readonly [string, TensorInfo])[], dataBytes: number): void {
  let position = 0;
  for (const [name, info] of tensors) {
    if (info.begin !== position || info.end < info.begin) {
      throw new SafetensorsError(
        'InvalidOffset',
        `tensor ${quote(name)} should start at byte ${position} of the data, its data_offsets are ${info.begin} to ${info.end}`,
      );
    }
    const expected = byteLengthOf(name, info);
    if (info.end - info.begin !== expected) {
      throw new SafetensorsError(
        'TensorInvalidInfo',
        `tensor ${quote(name)}, ${info.dtype} [${info.shape.join(',')}], should have ${expected} bytes, its data_offsets span ${info.end - info.begin}`,
      );
    }
    position = info.end;
  }
  if (position > dataBytes) {
    throw new SafetensorsError(
      'MetadataIncompleteBuffer',
      `the tensors need ${position} bytes of data, the file holds ${dataBytes}`,
    );
  }
  if (position < dataBytes) {
    throw new SafetensorsError('TrailingBytes', `${dataBytes - position} bytes follow the last tensor`);
  }
}

function byteLengthOf(name: string, { dtype, shape }: TensorInfo): number {
  let bits = bitsOf(dtype);
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits)) {
      throw new SafetensorsError(
        'ValidationOverflow',
        `tensor ${quote(name)} has the impossible shape [${shape.join(',')}]`,
      );
    }
  }
  if (bits % 8 !== 0) {
    throw new SafetensorsError(
      'MisalignedSlice',
      `tensor ${quote(name)} does not end on a byte (${bits} bits)`,
    );
  }
  return bits / 8;
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}

/** Names come from a file that nobody vouches for: no control characters on the terminal, no endless lines. */
function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
