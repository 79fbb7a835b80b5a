/**
 * The central directory of a zip file (PKWARE APPNOTE 6.3.10), which stands at the end of it: what members there are
 * and where. Nothing that it says is believed beyond the size of the file.
 */
import { LatentCacheError } from '../errors.js';

const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const END_BYTES = 22;
/** The zip64 end record and its locator stand in front of the end record. */
const END64_ROOM = 56 + 20;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 0x0001;
const STORED = 0;
/** Encrypted, patched, strongly encrypted: Python's zipfile refuses them. */
const UNREADABLE_FLAGS = 0x0061;
/** The newest "version needed" that Python's zipfile reads. */
const MAX_VERSION = 63;
const MAX_UINT32 = 0xffffffff;
const MAX_COMMENT = 0xffff;
/** Five arrays for each of more resolutions than anybody trains at. */
const MAX_MEMBERS = 1000;
const MAX_DIRECTORY_BYTES = 2 ** 20;
/** Deflate cannot do better (zlib's own technical note): a member that claims more is a bomb. */
const MAX_DEFLATE_RATIO = 1032;
/** Holds the directory and the comment of an ordinary cache. */
const USUAL_TAIL_BYTES = 4096;

export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
  /** Where the next member or the directory begins: this one's data must not reach beyond. */
  readonly limit: number;
}

export interface ZipDirectory {
  readonly members: readonly ZipMember[];
  readonly comment: Uint8Array;
}

/** The end of a file, from the byte `start` on. */
interface Tail {
  readonly bytes: Buffer;
  readonly start: number;
}

/** Where the directory is, in bytes of the file. */
interface DirectoryPlace {
  readonly count: number;
  readonly start: number;
  readonly end: number;
  readonly comment: Uint8Array;
}

/**
 * Reads the central directory of a whole zip file.
 *
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` for anything that numpy might read differently or not at all
 */
export function readZipDirectory(file: Buffer): ZipDirectory {
  const tail = { bytes: file, start: 0 };
  return parseDirectory(tail, locateDirectory(tail));
}

/**
 * The same from the end of the file alone.
 *
 * @param size of the file in bytes
 * @param read exactly the bytes asked for
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`, and what `read` throws
 */
export async function readZipDirectoryAtEnd(
  size: number,
  read: (position: number, length: number) => Promise<Buffer>,
): Promise<ZipDirectory> {
  const from = async (start: number): Promise<Tail> => ({ bytes: await read(start, size - start), start });
  let tail = await from(Math.max(0, size - USUAL_TAIL_BYTES));
  if ((findEnd(tail) ?? 0) < END64_ROOM && tail.start > 0) {
    tail = await from(Math.max(0, size - END64_ROOM - END_BYTES - MAX_COMMENT));
  }
  const place = locateDirectory(tail);
  if (place.start < tail.start) tail = await from(place.start);
  return parseDirectory(tail, place);
}

function parseDirectory({ bytes, start }: Tail, place: DirectoryPlace): ZipDirectory {
  const members: Omit<ZipMember, 'limit'>[] = [];
  const names = new Set<string>();
  const end = place.end - start;
  let position = place.start - start;
  for (let index = 0; index < place.count; index++) {
    if (position + CENTRAL_BYTES > end || bytes.readUInt32LE(position) !== CENTRAL) throw broken();
    const nameBytes = bytes.readUInt16LE(position + 28);
    const extraBytes = bytes.readUInt16LE(position + 30);
    const next = position + CENTRAL_BYTES + nameBytes + extraBytes + bytes.readUInt16LE(position + 32);
    if (next > end) throw broken();
    if (bytes.readUInt16LE(position + 8) & UNREADABLE_FLAGS)
      throw corrupt('a member is encrypted or patched');
    if (bytes.readUInt16LE(position + 6) > MAX_VERSION) throw corrupt('a member needs a newer zip version');
    const nameAt = position + CENTRAL_BYTES;
    const name = bytes.toString('utf8', nameAt, nameAt + nameBytes);
    if (names.has(name)) throw corrupt(`the member ${JSON.stringify(name)} occurs twice`);
    names.add(name);
    const extra = bytes.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes);
    members.push({
      name,
      method: bytes.readUInt16LE(position + 10),
      crc: bytes.readUInt32LE(position + 16),
      ...zip64Sizes(extra, {
        bytes: bytes.readUInt32LE(position + 24),
        compressedBytes: bytes.readUInt32LE(position + 20),
        localOffset: bytes.readUInt32LE(position + 42),
      }),
    });
    position = next;
  }
  if (position !== end) throw corrupt('the central directory has another length');
  return { members: withLimits(members, place.start), comment: place.comment };
}

/** Members that overlap are how a small file unpacks to an endless one; Python refuses them too. */
function withLimits(members: readonly Omit<ZipMember, 'limit'>[], directoryStart: number): ZipMember[] {
  const limits = new Map<Omit<ZipMember, 'limit'>, number>();
  let limit = directoryStart;
  for (const member of [...members].sort((a, b) => b.localOffset - a.localOffset)) {
    const { name, localOffset, method, compressedBytes, bytes } = member;
    const least = localOffset + LOCAL_BYTES + Buffer.byteLength(name) + compressedBytes;
    if (least > limit) throw corrupt(`${JSON.stringify(name)} is cut off, or overlaps another member`);
    if (method === STORED ? bytes !== compressedBytes : bytes > compressedBytes * MAX_DEFLATE_RATIO + 64) {
      throw corrupt(`${JSON.stringify(name)} claims ${bytes} bytes in ${compressedBytes}`);
    }
    limits.set(member, limit);
    limit = localOffset;
  }
  return members.map((member) => ({ ...member, limit: limits.get(member)! }));
}

function locateDirectory(tail: Tail): DirectoryPlace {
  const { bytes, start } = tail;
  const at = findEnd(tail);
  if (at === undefined) throw corrupt('it has no zip end record (cut off, or no npz file)');
  let count = bytes.readUInt16LE(at + 10);
  let position = bytes.readUInt32LE(at + 16);
  let end = position + bytes.readUInt32LE(at + 12);
  if (count === 0xffff || position === MAX_UINT32) ({ count, position, end } = readEnd64(tail, at));
  else if (end !== start + at) throw corrupt('the size of the central directory is wrong');
  if (count > MAX_MEMBERS) throw corrupt(`it claims ${count} members`);
  if (end - position > MAX_DIRECTORY_BYTES) throw corrupt('its central directory is too long');
  return { count, start: position, end, comment: bytes.subarray(at + END_BYTES) };
}

/** The end record is the last one whose comment reaches exactly to the end of the file. */
function findEnd({ bytes }: Tail): number | undefined {
  const first = bytes.length - END_BYTES;
  for (let at = first; at >= Math.max(0, first - MAX_COMMENT); at--) {
    if (bytes.readUInt32LE(at) === END && at + END_BYTES + bytes.readUInt16LE(at + 20) === bytes.length) {
      return at;
    }
  }
  return undefined;
}

function readEnd64({ bytes, start }: Tail, end: number): { count: number; position: number; end: number } {
  const locator = end - 20;
  if (locator < 0 || bytes.readUInt32LE(locator) !== END64_LOCATOR)
    throw corrupt('its zip64 locator is missing');
  const at = Number(bytes.readBigUInt64LE(locator + 8)) - start;
  // Python looks for it right there, and nowhere else.
  if (at < 0 || at + 56 !== locator || bytes.readUInt32LE(at) !== END64)
    throw corrupt('its zip64 end record is missing');
  const count = Number(bytes.readBigUInt64LE(at + 32));
  const position = Number(bytes.readBigUInt64LE(at + 48));
  if (position + Number(bytes.readBigUInt64LE(at + 40)) !== start + at)
    throw corrupt('the size of the central directory is wrong');
  return { count, position, end: start + at };
}

type Sizes = Pick<ZipMember, 'bytes' | 'compressedBytes' | 'localOffset'>;

/** 32-bit fields that are all ones stand in the zip64 extra field instead, in this order. */
function zip64Sizes(extra: Buffer, sizes: Sizes): Sizes {
  const result: { -readonly [Field in keyof Sizes]: number } = { ...sizes };
  const missing = (['bytes', 'compressedBytes', 'localOffset'] as const).filter(
    (field) => sizes[field] === MAX_UINT32,
  );
  if (missing.length === 0) return result;
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (
      extra.readUInt16LE(at) === ZIP64_EXTRA &&
      length >= missing.length * 8 &&
      at + 4 + length <= extra.length
    ) {
      for (const [index, field] of missing.entries())
        result[field] = Number(extra.readBigUInt64LE(at + 4 + index * 8));
      return result;
    }
    at += 4 + length;
  }
  throw corrupt('a zip64 size is missing');
}

function broken(): LatentCacheError {
  return corrupt('the central directory is broken');
}

function corrupt(reason: string): LatentCacheError {
  return new LatentCacheError('ERR_CACHE_CORRUPT', `Not a readable npz file: ${reason}`);
}
