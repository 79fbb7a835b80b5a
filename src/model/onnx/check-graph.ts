/**
 * Walks a graph with the sizes of one run and refuses what TensorRT would refuse after minutes, or get wrong. The rules
 * are those of its strongly typed networks and of its ONNX importer; sizes beyond the limits are the user's business
 * (ERR_GRAPH_LIMIT), everything else is a mistake in the graph (Error).
 */
import { LatentCacheError } from '../../errors.js';
import { type CheckedValue, inferNode } from './infer-node.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './schema.js';

/** Images of a run, pixels. */
export interface RunShape {
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/** Convolutions and unfused scores address elements with 32 bits. */
const MOST_ELEMENTS = 2 ** 31;

/** @throws LatentCacheError ERR_GRAPH_LIMIT naming the operator, its tensor and what would fit. */
export function checkGraph(graph: OnnxGraph, shape: RunShape): void {
  const values = new Map<string, CheckedValue>();
  for (const tensor of graph.initializers) values.set(tensor.name, constantOf(tensor));
  for (const { name, type, shape: sides } of graph.inputs) {
    values.set(name, { type, shape: inputShape(sides, shape), isConstant: false });
  }
  const isStatic = graph.inputs.every(({ shape: sides }) => !sides.includes('height'));
  for (const node of graph.nodes) {
    if (isStatic && node.operator === 'Shape') throw new Error(`${node.name} asks for a shape that is fixed`);
    const inputs = node.inputs.map((name) => known(values, name, node));
    const output = inferNode(node, inputs);
    limit(node, [...inputs, output], shape);
    if (values.has(node.outputs[0]!)) throw new Error(`${node.name} is there twice`);
    values.set(node.outputs[0]!, output);
  }
  for (const { name, type, shape: sides } of graph.outputs) {
    const made = values.get(name);
    if (made?.type !== type) throw new Error(`the output ${name} is not made, or not as ${type}`);
    const fits = sides.every((side, i) => typeof side === 'string' || side === made.shape[i]);
    if (!fits || sides.length !== made.shape.length) {
      throw new Error(`the output ${name} is made as [${made.shape}], not as [${sides}]`);
    }
  }
}

function known(values: ReadonlyMap<string, CheckedValue>, name: string, node: OnnxNode): CheckedValue {
  const value = values.get(name);
  if (value === undefined) throw new Error(`${node.name} reads ${name}, which is not there`);
  return value;
}

function constantOf({ type, shape, values, name }: OnnxTensor): CheckedValue {
  const elements = shape.reduce((product, side) => product * side, 1);
  if (elements !== values.length) {
    throw new Error(`${name} has ${values.length} values, its shape takes ${elements}`);
  }
  const integers = values instanceof BigInt64Array ? { integers: Array.from(values, Number) } : {};
  return { type, shape, isConstant: true, ...integers };
}

function inputShape(sides: readonly (string | number)[], { count, height, width }: RunShape): number[] {
  const free: Readonly<Record<string, number>> = { batch: count, height, width };
  const result = sides.map((side) => (typeof side === 'number' ? side : free[side]!));
  if (result[1] !== height || result[2] !== width) {
    throw new Error(`the graph is for ${result[2]}x${result[1]}, not for ${width}x${height}`);
  }
  return result;
}

function limit(node: OnnxNode, values: readonly CheckedValue[], shape: RunShape): void {
  for (const { shape: sides } of values) {
    const elements = sides.reduce((product, side) => product * side, 1);
    const isLimited = node.operator === 'Conv' || node.operator === 'MatMul' || node.operator === 'Softmax';
    if ((!isLimited || elements < MOST_ELEMENTS) && sides.every((side) => side < MOST_ELEMENTS)) continue;
    const fitting = Math.floor((MOST_ELEMENTS - 1) / (elements / shape.count));
    throw new LatentCacheError(
      'ERR_GRAPH_LIMIT',
      `${node.operator} ${node.name} would have a tensor of [${sides.join(', ')}], ${elements} elements for ` +
        `${shape.count} of ${shape.width}x${shape.height}; ${MOST_ELEMENTS - 1} is the most`,
      {
        remedy:
          node.operator === 'Conv'
            ? fitting > 0
              ? `Encode at most ${fitting} such images at once.`
              : 'Use a smaller resolution, or the CPU.'
            : 'Divide the attention into more chunks (--attention-chunks), or encode fewer images at once.',
      },
    );
  }
}
