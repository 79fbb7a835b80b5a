/** Writes a safetensors file tensor by tensor, so that only one tensor is in memory at a time. */
import { open, rename, rm } from 'node:fs/promises';
import { LatentCacheError } from '../../errors.js';
import { bitsOf, type Dtype } from './dtypes.js';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Called once, when the tensor's turn comes; little-endian bytes in row-major order. */
  readonly bytes: () => Uint8Array;
}

/**
 * The file appears under its name only when it is whole. Tensors lie in the order given, the data starts on a
 * multiple of eight bytes.
 *
 * @throws LatentCacheError ERR_ARGUMENT when a tensor's bytes do not fit its shape; system errors as they come.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  const file = await open(partial, 'w');
  try {
    try {
      await file.writeFile(encodeHeader(tensors, metadata));
      for (const tensor of tensors) {
        const bytes = tensor.bytes();
        if (bytes.byteLength !== byteLength(tensor)) {
          throw new LatentCacheError(
            'ERR_ARGUMENT',
            `expected ${byteLength(tensor)} bytes for tensor ${tensor.name}, got ${bytes.byteLength}`,
          );
        }
        await file.writeFile(bytes);
      }
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** The length prefix and the JSON header, padded with spaces. */
export function encodeHeader(
  tensors: readonly Omit<TensorToWrite, 'bytes'>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(['__metadata__', metadata]);
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + byteLength(tensor);
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

function byteLength({ dtype, shape }: Omit<TensorToWrite, 'bytes'>): number {
  return shape.reduce((product, size) => product * size, bitsOf(dtype)) / 8;
}
