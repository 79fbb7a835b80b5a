/** Types and shapes of the operators that our graphs consist of, and the rules that TensorRT has for each. */
import { ELEMENT_NUMBERS, type ElementType, type OnnxNode } from './schema.js';

export interface CheckedValue {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** An initializer. */
  readonly isConstant: boolean;
  /** The values of an int64 vector, where they are known. */
  readonly integers?: readonly number[];
}

type Rule = (node: OnnxNode, inputs: readonly CheckedValue[]) => CheckedValue;

/** @throws Error for an operator that is not in the list, or one that is used otherwise than its rule says. */
export function inferNode(node: OnnxNode, inputs: readonly CheckedValue[]): CheckedValue {
  const rule = RULES[node.operator];
  if (rule === undefined)
    throw new Error(`${node.operator} (${node.name}) is not among the operators that are allowed`);
  if (node.operator !== 'Cast' && inputs.some(({ type }) => type === 'uint8')) {
    throw new Error(`${node.name}: uint8 may only be cast`);
  }
  return rule(node, inputs);
}

const RULES: Readonly<Record<string, Rule>> = {
  Cast: (node, [x]) => ({ ...result(x!.shape, typeOf(node)) }),
  Identity: (_, [x]) => result(x!.shape, x!.type),
  Abs: (_, [x]) => result(x!.shape, x!.type),
  Sigmoid: (_, [x]) => result(x!.shape, x!.type),
  Relu: (_, [x]) => result(x!.shape, x!.type),
  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Max: elementwise,
  Conv: convolution,
  InstanceNormalization: (node, [x, scale, bias]) => {
    demand(node, x!.shape.length >= 3, 'needs rank 3 or more');
    demand(node, sameTypes([x!, scale!, bias!]) && x!.type === 'float32', 'must be of float32');
    demand(
      node,
      scale!.shape[0] === x!.shape[1] && bias!.shape[0] === x!.shape[1],
      'has another channel count',
    );
    return result(x!.shape, 'float32');
  },
  Softmax: (node, [x]) => {
    demand(node, x!.type === 'float32', 'must be of float32');
    return result(x!.shape, 'float32');
  },
  MatMul: (node, [a, b]) => {
    demand(node, sameTypes([a!, b!]), 'mixes types');
    demand(
      node,
      a!.shape.at(-1) === b!.shape.at(-2) && a!.shape[0] === b!.shape[0],
      'has sides that do not fit',
    );
    return result([...a!.shape.slice(0, -1), b!.shape.at(-1)!], a!.type);
  },
  Transpose: (node, [x]) => {
    const order = node.attributes.perm as readonly number[];
    return result(
      order.map((axis) => x!.shape[axis]!),
      x!.type,
    );
  },
  Reshape: reshape,
  Shape: (node, [x]) => {
    const { start = 0, end = x!.shape.length } = node.attributes as { start?: number; end?: number };
    const integers = x!.shape.slice(start, end);
    return { ...result([integers.length], 'int64'), integers };
  },
  Slice: (node, [x, from, to, axis]) => {
    const [start, end, at] = [from, to, axis].map((value) => value?.integers?.[0]);
    demand(node, start !== undefined && end !== undefined && at !== undefined, 'needs known bounds');
    demand(node, start! <= end! && end! <= x!.shape[at!]!, 'has bounds outside of its tensor');
    return result(
      x!.shape.map((side, i) => (i === at ? end! - start! : side)),
      x!.type,
    );
  },
  Concat: (node, inputs) => {
    demand(node, sameTypes(inputs), 'mixes types');
    const axis = node.attributes.axis as number;
    const length = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return result(
      inputs[0]!.shape.map((side, i) => (i === axis ? length : side)),
      inputs[0]!.type,
    );
  },
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceL2: (node, inputs) => {
    demand(node, inputs[0]!.type === 'float32', 'must be of float32');
    return reduction(node, inputs);
  },
  SpaceToDepth: (node, [x]) => {
    const [count, channels, height, width] = x!.shape as readonly [number, number, number, number];
    const size = node.attributes.blocksize as number;
    demand(node, height % size === 0 && width % size === 0, 'has sides that do not divide');
    return result([count, channels * size ** 2, height / size, width / size], x!.type);
  },
};

function reduction(node: OnnxNode, [x, axes]: readonly CheckedValue[]): CheckedValue {
  const isReduced = (axis: number) => axes!.integers!.includes(axis);
  const shape =
    node.attributes.keepdims === 1
      ? x!.shape.map((side, axis) => (isReduced(axis) ? 1 : side))
      : x!.shape.filter((_, axis) => !isReduced(axis));
  return result(shape, x!.type);
}

function convolution(node: OnnxNode, [x, weight, bias]: readonly CheckedValue[]): CheckedValue {
  const parameters = bias === undefined ? [weight!] : [weight!, bias];
  demand(
    node,
    parameters.every(({ isConstant }) => isConstant),
    'needs weights and bias as initializers',
  );
  demand(node, sameTypes([x!, ...parameters]), 'mixes types');
  const [outputs, inputs, ...kernel] = weight!.shape;
  const isBiasRight = bias === undefined || bias.shape[0] === outputs;
  demand(node, inputs === x!.shape[1] && isBiasRight, 'has another channel count');
  const pads = node.attributes.pads as readonly number[];
  const strides = node.attributes.strides as readonly number[];
  const side = (axis: 0 | 1) =>
    Math.floor((x!.shape[2 + axis]! + pads[axis]! + pads[2 + axis]! - kernel[axis]!) / strides[axis]!) + 1;
  return result([x!.shape[0]!, outputs!, side(0), side(1)], x!.type);
}

function reshape(node: OnnxNode, [x, target]: readonly CheckedValue[]): CheckedValue {
  demand(node, target!.integers !== undefined, 'needs a known shape');
  const sides = target!.integers!.map((side, i) => (side === 0 ? x!.shape[i]! : side));
  const elements = x!.shape.reduce((product, side) => product * side, 1);
  const given = sides.reduce((product, side) => (side === -1 ? product : product * side), 1);
  const shape = sides.map((side) => (side === -1 ? elements / given : side));
  demand(node, shape.every(Number.isInteger), 'does not divide');
  demand(
    node,
    shape.reduce((product, side) => product * side, 1) === elements,
    'changes the number of elements',
  );
  return result(shape, x!.type);
}

function elementwise(node: OnnxNode, inputs: readonly CheckedValue[]): CheckedValue {
  const [a, b] = inputs as readonly [CheckedValue, CheckedValue];
  demand(node, sameTypes(inputs), 'mixes types');
  const rank = Math.max(a.shape.length, b.shape.length);
  const sideOf = ({ shape }: CheckedValue, i: number) => shape[shape.length - rank + i] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => Math.max(sideOf(a, i), sideOf(b, i)));
  demand(
    node,
    inputs.every((value) => shape.every((side, i) => [1, side].includes(sideOf(value, i)))),
    'has sides that do not fit',
  );
  const output = result(shape, a.type);
  if (a.integers === undefined || b.integers === undefined) return output;
  const [left, right] = [a.integers[0]!, b.integers[0]!];
  return { ...output, integers: [node.operator === 'Mul' ? left * right : Math.floor(left / right)] };
}

function typeOf(node: OnnxNode): ElementType {
  const entries = Object.entries(ELEMENT_NUMBERS) as [ElementType, number][];
  const found = entries.find(([, number]) => number === node.attributes.to);
  if (found === undefined) throw new Error(`${node.name} casts to an unknown type`);
  return found[0];
}

function result(shape: readonly number[], type: ElementType): CheckedValue {
  return { type, shape, isConstant: false };
}

function sameTypes(values: readonly CheckedValue[]): boolean {
  return values.every(({ type }) => type === values[0]!.type);
}

function demand(node: OnnxNode, holds: boolean, rule: string): void {
  if (!holds) throw new Error(`${node.operator} ${node.name} ${rule}`);
}
