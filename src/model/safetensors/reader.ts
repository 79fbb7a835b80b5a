/**
 * Reads single tensors out of a safetensors file by their offsets: of a checkpoint of 6.9 GB, only the header and the
 * tensors asked for are ever read.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type ErrorCode, LatentCacheError, systemErrorCode } from '../../errors.js';
import { isWidenable, WIDENABLE_DTYPES, widen } from './dtypes.js';
import {
  parseHeader,
  readHeaderLength,
  SafetensorsError,
  type SafetensorsFault,
  type TensorInfo,
} from './header.js';
import { refuseOtherFormats } from './other-formats.js';

/** One read call moves at most this much; Linux itself stops a little below 2 GiB. */
const READ_BYTES = 1 << 30;

export interface SafetensorsFile extends AsyncDisposable {
  readonly path: string;
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Byte of the file at which the tensors begin. */
  readonly dataStart: number;
  /**
   * The values of one tensor in row-major order, widened to float32 without loss.
   *
   * @throws LatentCacheError ERR_MODEL_KEY, ERR_MODEL_DTYPE (F64, integers, unusual 8-bit floats), ERR_MODEL_TRUNCATED
   * (the file shrank), ERR_MODEL_FILE.
   */
  readFloat32(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a file and validates its whole header; no tensor is read.
 *
 * @throws LatentCacheError ERR_MODEL_FILE (missing, not a file, unreadable), ERR_MODEL_PICKLE, ERR_MODEL_TRUNCATED,
 * ERR_MODEL_DTYPE, ERR_MODEL_FORMAT. The cause of the last three is a SafetensorsError that names the fault.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    // the prefix, and enough behind it to tell other formats apart
    const start = await readUpTo(file, path, 0, Math.min(size, 64));
    refuseOtherFormats(start, path);
    const { header, dataStart } = await readHeader(file, path, start, size);
    return {
      path,
      tensors: header.tensors,
      metadata: header.metadata,
      dataStart,
      readFloat32: (name) => readFloat32(file, path, dataStart, name, header.tensors.get(name)),
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openRegularFile(path: string): Promise<FileHandle> {
  try {
    // opening a named pipe would wait for ever, so look before opening
    const info = await stat(path);
    if (!info.isFile()) {
      throw new LatentCacheError(
        'ERR_MODEL_FILE',
        `expected a .safetensors file, ${path} is no regular file`,
        {
          path,
          remedy: 'Give the path of the model file itself.',
        },
      );
    }
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof LatentCacheError) throw error;
    throw fileError(error, path);
  }
}

async function readHeader(file: FileHandle, path: string, start: Uint8Array, size: number) {
  try {
    const length = readHeaderLength(start.subarray(0, 8), size);
    const json = await readUpTo(file, path, 8, length);
    return { header: parseHeader(json, size - 8 - length), dataStart: 8 + length };
  } catch (error) {
    if (error instanceof SafetensorsError) throw headerError(error, path);
    throw error;
  }
}

async function readFloat32(
  file: FileHandle,
  path: string,
  dataStart: number,
  name: string,
  info: TensorInfo | undefined,
): Promise<Float32Array> {
  if (info === undefined) {
    throw new LatentCacheError('ERR_MODEL_KEY', `expected a tensor named ${name} in ${path}, there is none`, {
      path,
    });
  }
  if (!isWidenable(info.dtype)) {
    throw new LatentCacheError(
      'ERR_MODEL_DTYPE',
      `expected one of ${WIDENABLE_DTYPES.join(', ')} for tensor ${name} of ${path}, got ${info.dtype}`,
      { path, remedy: 'Save the model as float32, float16 or bfloat16.' },
    );
  }
  return widen(info.dtype, await readUpTo(file, path, dataStart + info.begin, info.end - info.begin));
}

/** Reads exactly `length` bytes at `position`; the size was checked, so that fewer means that the file is changing. */
async function readUpTo(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = allocate(length, path);
  let done = 0;
  while (done < length) {
    let got: number;
    try {
      const step = Math.min(length - done, READ_BYTES);
      ({ bytesRead: got } = await file.read(bytes, done, step, position + done));
    } catch (error) {
      throw fileError(error, path);
    }
    if (got === 0) {
      throw new LatentCacheError(
        'ERR_MODEL_TRUNCATED',
        `expected ${length} bytes at byte ${position} of ${path}, got ${done}: the file became shorter while it was read`,
        { path, remedy: 'Wait until the download or copy has finished and run again.' },
      );
    }
    done += got;
  }
  return bytes;
}

/** A tensor may be as large as the file, and a file may be a hole of terabytes. */
function allocate(length: number, path: string): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new LatentCacheError(
      'ERR_OUT_OF_MEMORY',
      `no memory for ${length} bytes of one tensor of ${path}`,
      {
        path,
        cause,
      },
    );
  }
}

function fileError(error: unknown, path: string): LatentCacheError {
  const code = systemErrorCode(error);
  const reason =
    code === 'ENOENT' ? 'there is no such file' : error instanceof Error ? error.message : String(error);
  return new LatentCacheError('ERR_MODEL_FILE', `cannot read the model ${path}: ${reason}`, {
    path,
    remedy: 'Check the path and the permissions of the model file.',
    cause: error,
  });
}

const TRUNCATED_FAULTS: readonly SafetensorsFault[] = [
  'HeaderTooSmall',
  'InvalidHeaderLength',
  'MetadataIncompleteBuffer',
];

function headerError(error: SafetensorsError, path: string): LatentCacheError {
  const truncated = TRUNCATED_FAULTS.includes(error.fault);
  let code: ErrorCode = 'ERR_MODEL_FORMAT';
  if (truncated) code = 'ERR_MODEL_TRUNCATED';
  if (error.fault === 'UnknownDtype') code = 'ERR_MODEL_DTYPE';
  return new LatentCacheError(
    code,
    `${path} is no valid safetensors file (${error.fault}): ${error.message}`,
    {
      path,
      remedy: truncated
        ? 'The file is cut short: download or copy it again.'
        : 'Download the file again, or save it again with the safetensors library.',
      cause: error,
    },
  );
}
