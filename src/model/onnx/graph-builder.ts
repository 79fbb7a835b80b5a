/** Collects nodes and constants while a layer list is walked. A value is known by its name. */
import type { OnnxNode, OnnxTensor } from './schema.js';

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

  /** Adds a constant under its own name; the same name twice is the same constant. */
  float(name: string, shape: readonly number[], values: Float32Array): string {
    return this.#constant({ name, shape, values });
  }

  /** A 1-D int64 constant, named by its content, so that equal ones are shared. */
  integers(...values: readonly number[]): string {
    const name = `int64[${values.join(',')}]`;
    return this.#constant({ name, shape: [values.length], values: BigInt64Array.from(values, BigInt) });
  }

  #constant(tensor: OnnxTensor): string {
    if (!this.#initializers.has(tensor.name)) this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  }
}
