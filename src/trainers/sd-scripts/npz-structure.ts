/** What a cache file holds, from a few short reads: its directory and the headers of its arrays, not their data. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type NpyHeader, readNpyHeader } from '../../cache/npy.js';
import { decodeProvenance, type ProvenanceRecord } from '../../cache/provenance.js';
import { unreadable } from '../../cache/unreadable.js';
import {
  unpackMember,
  unpackStart,
  type ZipDirectory,
  type ZipMember,
  zipDataStart,
} from '../../cache/zip.js';
import { readZipDirectoryAtEnd } from '../../cache/zip-directory.js';
import { LatentCacheError, systemErrorCode } from '../../errors.js';
import { memberKeySuffix } from './files.js';

export interface ArrayStructure {
  readonly header: NpyHeader;
  readonly member: ZipMember;
  /** The whole npy file; missing where the array is large and only its header was read. */
  readonly npy?: Buffer;
}

export interface CacheStructure {
  readonly arrays: ReadonlyMap<string, ArrayStructure>;
  /** By key suffix; empty for files that others wrote. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

/** True when there are latents in the file and every member of it has a record of ours. */
export function isAllOurs({ members, provenance }: CacheOutline): boolean {
  return (
    members.length > 0 && members.every(({ name }) => provenance.has(memberKeySuffix(name) ?? 'not ours'))
  );
}

/** What the end of a file tells about it. */
export interface CacheOutline {
  readonly members: readonly ZipMember[];
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

/** Arrays up to this size are read whole: sizes and crops. */
const SMALL_BYTES = 1024;
/** Bytes of a large array that hold its header; a longer header takes the second. */
const HEAD_BYTES = [1024, 16384] as const;
const WINDOW_BYTES = 4096;

/** An open cache file. Close it. */
export class OpenCache implements CacheOutline, AsyncDisposable {
  readonly members: readonly ZipMember[];
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;

  private constructor(
    private readonly reader: WindowReader,
    directory: ZipDirectory,
    readonly bytes: number,
  ) {
    this.members = directory.members;
    this.provenance = decodeProvenance(directory.comment);
  }

  /**
   * @returns undefined when there is no such file
   * @throws LatentCacheError `ERR_CACHE_CORRUPT`
   */
  static async open(file: string): Promise<OpenCache | undefined> {
    const reader = await WindowReader.open(file);
    if (reader === undefined) return undefined;
    try {
      const directory = await readZipDirectoryAtEnd(reader.size, (at, length) => reader.read(at, length));
      return new OpenCache(reader, directory, reader.size);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** @throws LatentCacheError `ERR_CACHE_CORRUPT` */
  async structure(): Promise<CacheStructure> {
    const arrays = new Map<string, ArrayStructure>();
    for (const member of this.members) {
      if (!member.name.endsWith('.npy')) continue;
      arrays.set(member.name.slice(0, -'.npy'.length), await this.array(member));
    }
    return { arrays, provenance: this.provenance };
  }

  private async array(member: ZipMember): Promise<ArrayStructure> {
    const { localOffset, limit, compressedBytes, bytes } = member;
    const room = Math.min(WINDOW_BYTES, limit - localOffset);
    const start = zipDataStart(await this.reader.read(localOffset, room), member);
    if (Math.max(bytes, compressedBytes) <= SMALL_BYTES) {
      const npy = await unpackMember(member, await this.reader.read(start, compressedBytes), SMALL_BYTES);
      return { header: readNpyHeader(npy), member, npy };
    }
    const head = async (length: number) => {
      const body = await this.reader.read(start, Math.min(length, compressedBytes));
      return readNpyHeader(unpackStart(member, body), bytes);
    };
    try {
      return { header: await head(HEAD_BYTES[0]), member };
    } catch (error) {
      if (!(error instanceof LatentCacheError)) throw error;
      return { header: await head(HEAD_BYTES[1]), member };
    }
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Reads directory, headers and small arrays of an npz file. What it does not see is whether the large arrays' data are
 * as they were written: `readCache` does.
 *
 * @returns undefined when there is no such file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export async function readCacheStructure(file: string): Promise<CacheStructure | undefined> {
  const cache = await OpenCache.open(file);
  try {
    return await cache?.structure();
  } finally {
    await cache?.close();
  }
}

/** Reads a file in windows, so that neighbouring headers cost one read. */
class WindowReader {
  /** The last two: the end of the file, with small arrays in it, and the header looked at. */
  private windows: readonly { readonly start: number; readonly bytes: Buffer }[] = [];

  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  static async open(file: string): Promise<WindowReader | undefined> {
    let handle: FileHandle;
    let size: number;
    try {
      // Opening a named pipe would wait for ever, so look before opening.
      const status = await stat(file);
      if (!status.isFile()) throw new Error('it is no regular file');
      size = status.size;
      handle = await open(file, 'r');
    } catch (cause) {
      if (systemErrorCode(cause) === 'ENOENT') return undefined;
      throw unreadable(file, cause);
    }
    return new WindowReader(file, handle, size);
  }

  /** Exactly these bytes. */
  async read(position: number, length: number): Promise<Buffer> {
    for (const { start, bytes } of this.windows) {
      const inside = position - start;
      if (inside >= 0 && inside + length <= bytes.length) return bytes.subarray(inside, inside + length);
    }
    const window = Buffer.alloc(Math.min(Math.max(length, WINDOW_BYTES), this.size - position));
    let done = 0;
    while (done < window.length) {
      const bytesRead = await this.readSome(window, done, position + done);
      if (bytesRead === 0) throw unreadable(this.file, new Error('it became shorter while it was read'));
      done += bytesRead;
    }
    this.windows = [{ start: position, bytes: window }, ...this.windows.slice(0, 1)];
    return window.subarray(0, length);
  }

  private async readSome(target: Buffer, offset: number, position: number): Promise<number> {
    try {
      return (await this.handle.read(target, offset, target.length - offset, position)).bytesRead;
    } catch (cause) {
      throw unreadable(this.file, cause);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
