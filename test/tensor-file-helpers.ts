/** safetensors files by hand, as the format's own specification has them. */
import { writeFile } from 'node:fs/promises';

export interface HandTensor {
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'U8' | 'I64' | 'F64' | 'F8_E4M3';
  readonly shape: readonly number[];
  /** Zeros when not given. */
  readonly data?: Uint8Array;
}

const BYTES = { F32: 4, F16: 2, BF16: 2, U8: 1, I64: 8, F64: 8, F8_E4M3: 1 } as const;

export function tensorFile(
  tensors: Readonly<Record<string, HandTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  let end = 0;
  const pieces: Uint8Array[] = [];
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const bytes = shape.reduce((product, side) => product * side, BYTES[dtype]);
    pieces.push(data ?? new Uint8Array(bytes));
    const begin = end;
    end += bytes;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...pieces]);
}

export const writeTensorFile = (file: string, ...content: Parameters<typeof tensorFile>) =>
  writeFile(file, tensorFile(...content));

export function float32(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Names, types, shapes, metadata and float32 numbers of a file. */
export function readTensors(file: Buffer) {
  const length = Number(file.readBigUInt64LE());
  const { __metadata__: metadata = {}, ...tensors } = JSON.parse(file.toString('utf8', 8, 8 + length)) as {
    __metadata__?: Record<string, string>;
  } & Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const data = file.subarray(8 + length);
  const numbers = (name: string) => {
    const [begin, end] = tensors[name]!.data_offsets;
    return [...new Float32Array(Uint8Array.from(data.subarray(begin, end)).buffer)];
  };
  const bytes = (name: string) => data.subarray(...tensors[name]!.data_offsets);
  return { tensors, metadata, numbers, bytes };
}
