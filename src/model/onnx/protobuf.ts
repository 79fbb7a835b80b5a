/**
 * The wire format of Protocol Buffers, as far as ONNX needs it (protobuf.dev, "Encoding"). Chunks are kept apart until
 * the end, so that hundreds of megabytes of weights are copied once, into the final buffer.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

export class ProtoMessage {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  /** A non-negative integer below 2^53. */
  integer(field: number, value: number): this {
    return this.#tag(field, VARINT).#append(varint(value));
  }

  /** A signed integer: protobuf writes a negative int64 as ten bytes of two's complement. */
  signedInteger(field: number, value: number): this {
    return this.#tag(field, VARINT).#append(value < 0 ? negativeVarint(value) : varint(value));
  }

  float(field: number, value: number): this {
    return this.#tag(field, FIXED32).#append(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** The bytes are referred to, not copied: they must stay unchanged until `toBytes`. */
  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, LENGTH_DELIMITED).#append(varint(value.byteLength)).#append(value);
  }

  message(field: number, value: ProtoMessage): this {
    this.#tag(field, LENGTH_DELIMITED).#append(varint(value.byteLength));
    for (const chunk of value.#chunks) this.#append(chunk);
    return this;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    return bytes;
  }

  #tag(field: number, wireType: number): this {
    return this.#append(varint(field * 8 + wireType));
  }

  #append(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function negativeVarint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (let i = 0; i < 9; i++) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
