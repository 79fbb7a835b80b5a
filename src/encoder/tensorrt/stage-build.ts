/** Puts the inputs of a build where a child process can map them. */
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeError } from '../../cache/atomic-file.js';
import { OWNER_TAG } from '../../cache/process-owner.js';
import type { BuildTensor } from '../../native/binding.js';

/** A part of a file that holds a tensor's values as they are. */
export interface TensorSource {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface EngineTensor {
  readonly name: string;
  readonly values: ArrayBufferView;
  /** Where the same bytes lie already. */
  readonly source?: TensorSource | undefined;
}

export interface StagedBuild extends AsyncDisposable {
  /** A private folder, removed in the end. */
  readonly folder: string;
  readonly graphFile: string;
  readonly timingCacheFile: string | null;
  readonly tensors: readonly BuildTensor[];
}

/** Values are mapped and read as vectors. */
const ALIGNMENT = 64;

/**
 * Tensors whose source still holds their bytes are named by it and not copied; the others go into one file.
 *
 * @param parent a private folder with room for the weights and the engine.
 * @throws LatentCacheError ERR_DISK_FULL, ERR_OUTPUT_NOT_WRITABLE, ERR_CACHE_WRITE.
 */
export async function stageBuild(
  parent: string,
  graph: Uint8Array,
  tensors: readonly EngineTensor[],
  timingCache: Uint8Array | null,
): Promise<StagedBuild> {
  const folder = await mkdtemp(path.join(parent, `.build-${OWNER_TAG}-`)).catch((cause: unknown) => {
    throw writeError(parent, cause);
  });
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const graphFile = path.join(folder, 'graph.onnx');
    await writeFile(graphFile, graph);
    const timingCacheFile = timingCache === null ? null : path.join(folder, 'timing');
    if (timingCache !== null) await writeFile(timingCacheFile!, timingCache);
    const staged = await stageTensors(path.join(folder, 'weights'), tensors);
    return { folder, graphFile, timingCacheFile, tensors: staged, [Symbol.asyncDispose]: dispose };
  } catch (cause) {
    await dispose();
    throw writeError(folder, cause);
  }
}

async function stageTensors(file: string, tensors: readonly EngineTensor[]): Promise<BuildTensor[]> {
  const sources = new SourceFiles();
  const handle = await open(file, 'wx', 0o600);
  const staged: BuildTensor[] = [];
  let end = 0;
  try {
    for (const { name, values, source } of tensors) {
      const bytes = bytesOf(values);
      if (source !== undefined && (await sources.hold(source, bytes))) {
        staged.push({ name, ...source });
        continue;
      }
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      await writeAt(handle, bytes, offset);
      end = offset + bytes.length;
      staged.push({ name, path: file, offset, bytes: bytes.length });
    }
  } finally {
    await sources.close();
    await handle.close();
  }
  return staged;
}

/** Model files, opened once each. A file that was replaced since its weights were read must not get into an engine. */
class SourceFiles {
  readonly #handles = new Map<string, FileHandle | undefined>();

  async hold({ path: file, offset, bytes }: TensorSource, expected: Buffer): Promise<boolean> {
    if (bytes !== expected.length) return false;
    if (!this.#handles.has(file)) this.#handles.set(file, await open(file, 'r').catch(() => undefined));
    const handle = this.#handles.get(file);
    const found = Buffer.allocUnsafeSlow(bytes);
    for (let at = 0; at < bytes; ) {
      const got = await handle?.read(found, at, bytes - at, offset + at).catch(() => undefined);
      if (got === undefined || got.bytesRead === 0) return false;
      at += got.bytesRead;
    }
    return found.equals(expected);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handles.values()].map((handle) => handle?.close()));
  }
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
