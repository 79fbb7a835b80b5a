/**
 * A file with a JSON header and one binary payload, each with its SHA-256, so that a damaged or foreign file is
 * recognised before anything of it is used:
 *
 *   0   8 bytes   "LCSEALED"
 *   8   u32 LE    version, 1
 *   12  u32 LE    bytes of the header
 *   16  32 bytes  SHA-256 of the header
 *   48            the header, UTF-8: { ...fields, payload: { bytes, sha256 } }
 *                 zeros up to a multiple of 4096: a payload can be mapped
 *                 the payload, and nothing behind it
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const MAGIC = Buffer.from('LCSEALED');
const VERSION = 1;
const PREFIX_BYTES = 48;
const ALIGNMENT = 4096;
const MAXIMUM_HEADER_BYTES = 1 << 20;
const READ_BYTES = 1 << 20;

export interface SealedFile {
  /** What was given to `sealFile`, unchecked. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
}

/** The pieces of a file, to be written one after the other. */
export function sealFile(header: Readonly<Record<string, unknown>>, payload: Uint8Array): Uint8Array[] {
  const sealed = {
    ...header,
    payload: { bytes: payload.byteLength, sha256: sha256(payload).toString('hex') },
  };
  const json = Buffer.from(JSON.stringify(sealed));
  if (json.length > MAXIMUM_HEADER_BYTES) throw new Error(`a header of ${json.length} bytes`);
  const head = Buffer.alloc(payloadOffset(json.length));
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, 8);
  head.writeUInt32LE(json.length, 12);
  sha256(json).copy(head, 16);
  json.copy(head, PREFIX_BYTES);
  return [head, payload];
}

/**
 * Reads and checks a whole file; the payload is hashed, not kept.
 *
 * @returns undefined when the file is missing, unreadable, damaged or of another kind
 */
export async function readSealedFile(file: string): Promise<SealedFile | undefined> {
  return withFile(file, async (handle) => {
    const sealed = await readHead(handle);
    if (sealed === undefined) return undefined;
    const { payloadOffset: offset, payloadBytes: bytes, payloadSha256, ...rest } = sealed;
    const hash = createHash('sha256');
    const block = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, bytes)));
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await handle.read(block, 0, Math.min(block.length, bytes - at), offset + at);
      if (bytesRead === 0) return undefined;
      hash.update(block.subarray(0, bytesRead));
      at += bytesRead;
    }
    return hash.digest('hex') === payloadSha256
      ? { ...rest, payloadOffset: offset, payloadBytes: bytes }
      : undefined;
  });
}

/** The header alone, checked, with a file of the right length behind it; the payload may be damaged. */
export async function readSealedHeader(file: string): Promise<SealedFile | undefined> {
  return withFile(file, readHead);
}

/** Header and payload of a small file; undefined as in `readSealedFile`. */
export async function readSealedPayload(
  file: string,
): Promise<{ header: SealedFile['header']; payload: Buffer } | undefined> {
  return withFile(file, async (handle) => {
    const sealed = await readHead(handle);
    if (sealed === undefined) return undefined;
    const payload = Buffer.alloc(sealed.payloadBytes);
    await readFully(handle, payload, sealed.payloadOffset);
    return sha256(payload).toString('hex') === sealed.payloadSha256
      ? { header: sealed.header, payload }
      : undefined;
  });
}

async function withFile<T>(
  file: string,
  use: (handle: FileHandle) => Promise<T | undefined>,
): Promise<T | undefined> {
  const handle = await open(file, 'r').catch(() => undefined);
  try {
    return handle === undefined ? undefined : await use(handle);
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

async function readHead(handle: FileHandle): Promise<(SealedFile & { payloadSha256: string }) | undefined> {
  const { size } = await handle.stat();
  const prefix = Buffer.alloc(PREFIX_BYTES);
  if (size < PREFIX_BYTES) return undefined;
  await readFully(handle, prefix, 0);
  const jsonBytes = prefix.readUInt32LE(12);
  if (!prefix.subarray(0, 8).equals(MAGIC) || prefix.readUInt32LE(8) !== VERSION) return undefined;
  const offset = payloadOffset(jsonBytes);
  if (jsonBytes > MAXIMUM_HEADER_BYTES || offset > size) return undefined;
  const rest = Buffer.alloc(offset - PREFIX_BYTES);
  await readFully(handle, rest, PREFIX_BYTES);
  const json = rest.subarray(0, jsonBytes);
  if (!sha256(json).equals(prefix.subarray(16, 48))) return undefined;
  if (rest.subarray(jsonBytes).some((byte) => byte !== 0)) return undefined;
  const header: unknown = JSON.parse(json.toString('utf8'));
  if (!isRecord(header) || !isRecord(header.payload)) return undefined;
  const { payload, ...fields } = header;
  const { bytes, sha256: hash } = payload as Record<string, unknown>;
  if (typeof hash !== 'string' || bytes !== size - offset) return undefined;
  return { header: fields, payloadOffset: offset, payloadBytes: size - offset, payloadSha256: hash };
}

async function readFully(handle: FileHandle, target: Buffer, position: number): Promise<void> {
  for (let at = 0; at < target.length; ) {
    const { bytesRead } = await handle.read(target, at, target.length - at, position + at);
    if (bytesRead === 0) throw new Error('the file became shorter');
    at += bytesRead;
  }
}

function payloadOffset(jsonBytes: number): number {
  return Math.ceil((PREFIX_BYTES + jsonBytes) / ALIGNMENT) * ALIGNMENT;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
