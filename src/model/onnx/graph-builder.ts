/** Collects nodes and constants while a layer list is walked. A value is known by its name. */
import { toFloat16Array } from '../../float16.js';
import type { TensorSource } from '../layers.js';
import { bfloat16Bits } from '../safetensors/dtypes.js';
import { ELEMENT_NUMBERS, type ElementType, type OnnxNode, type OnnxTensor } from './schema.js';

/** What convolutions and matrix products compute in. */
export type FloatType = 'float32' | 'float16' | 'bfloat16';

const DTYPES = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();

  get initializers(): OnnxTensor[] {
    return [...this.#initializers.values()];
  }

  /** Adds a node with one output, which is named as the node: `encoder.mid.block_1.norm1/normalised`. */
  node(
    operator: string,
    name: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'] = {},
  ): string {
    this.nodes.push({ operator, name, inputs, outputs: [name], attributes });
    return name;
  }

  cast(name: string, x: string, type: ElementType): string {
    return this.node('Cast', name, [x], { to: ELEMENT_NUMBERS[type] });
  }

  /**
   * Adds a constant under its own name, rounded to the type; the same name twice is the same constant. `source` is kept
   * where it holds the very same bytes.
   */
  float(
    name: string,
    shape: readonly number[],
    values: Float32Array,
    type: FloatType = 'float32',
    source?: TensorSource,
  ): string {
    const known = this.#initializers.get(name);
    if (known === undefined) {
      const isSame = source?.dtype === DTYPES[type];
      this.#constant({
        name,
        type,
        shape,
        values: rounded(values, type),
        ...(isSame ? { source: { path: source.path, offset: source.offset, bytes: source.bytes } } : {}),
      });
    } else if (known.type !== type) {
      throw new Error(`the constant ${name} is needed as ${type} and as ${known.type}`);
    }
    return name;
  }

  /** A 1-D int64 constant, named by its content, so that equal ones are shared. */
  integers(...values: readonly number[]): string {
    const name = `int64[${values.join(',')}]`;
    const bits = BigInt64Array.from(values, BigInt);
    return this.#constant({ name, type: 'int64', shape: [values.length], values: bits });
  }

  #constant(tensor: OnnxTensor): string {
    if (!this.#initializers.has(tensor.name)) this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  }
}

/** A GPU takes one graph for each image size, and rounding all weights takes a second. Freed with the weights. */
const ROUNDED = {
  float16: new WeakMap<Float32Array, Uint16Array>(),
  bfloat16: new WeakMap<Float32Array, Uint16Array>(),
};

function rounded(values: Float32Array, type: FloatType): Float32Array | Uint16Array {
  if (type === 'float32') return values;
  let bits = ROUNDED[type].get(values);
  if (bits === undefined) {
    bits = type === 'float16' ? toFloat16Array(values) : toBfloat16Array(values);
    ROUNDED[type].set(values, bits);
  }
  return bits;
}

function toBfloat16Array(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = bfloat16Bits(words[i]!);
  return bits;
}
