/** Runs graphs in onnxruntime, in the types that it has; and in those that it lacks, by rounding. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { float16ToNumber } from '#dist/float16.js';
import {
  ELEMENT_NUMBERS,
  type ElementType,
  encodeModel,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '#dist/model/onnx/schema.js';

export function startGraph(
  graph: OnnxGraph,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<InferenceSession> {
  return InferenceSession.create(encodeModel(graph, { external: false }), {
    graphOptimizationLevel,
    enableMemPattern: false,
    logSeverityLevel: 4,
  });
}

/** @returns the `moments` of all images, one behind the other */
export async function runGraph(
  graph: OnnxGraph,
  images: readonly Uint8Array[],
  height: number,
  width: number,
  optimization: 'all' | 'disabled' = 'all',
): Promise<Float32Array> {
  const session = await startGraph(graph, optimization);
  const pixels = new Tensor('uint8', Buffer.concat(images), [images.length, height, width, 3]);
  const { moments } = await session.run({ pixels });
  const values = Float32Array.from(moments!.data as Float32Array);
  await session.release();
  return values;
}

const MOVES = new Set(['Reshape', 'Transpose', 'Slice', 'Concat', 'Identity', 'SpaceToDepth']);

/**
 * The same graph in float32, with every value of a 16-bit type rounded to that type where it is made: products are
 * summed in float32 and rounded once, as tensor cores do it. Run it without optimization, which would take casts out.
 */
export function emulated(graph: OnnxGraph): OnnxGraph {
  const types = new Map<string, ElementType>();
  for (const { name, type } of [...graph.inputs, ...graph.initializers]) types.set(name, type);
  const nodes: OnnxNode[] = [];
  const isNarrow = (type: ElementType | undefined) => type === 'float16' || type === 'bfloat16';
  const cast = (name: string, from: string, type: ElementType) =>
    nodes.push({
      operator: 'Cast',
      name,
      inputs: [from],
      outputs: [name],
      attributes: { to: ELEMENT_NUMBERS[type] },
    });
  for (const node of graph.nodes) {
    const [output] = node.outputs as [string];
    const type = typeOf(node, types.get(node.inputs[0]!)!);
    types.set(output, type);
    if (node.operator === 'Cast' && isNarrow(types.get(node.inputs[0]!))) {
      nodes.push({ ...node, operator: 'Identity', attributes: {} });
    } else if (!isNarrow(type) || MOVES.has(node.operator)) {
      nodes.push(node);
    } else {
      let exact = node.inputs[0]!;
      if (node.operator !== 'Cast') {
        exact = `${output}/exact`;
        nodes.push({ ...node, name: exact, outputs: [exact] });
      }
      cast(`${output}/rounded`, exact, type);
      cast(output, `${output}/rounded`, 'float32');
    }
  }
  return { ...graph, nodes, initializers: graph.initializers.map(widened) };
}

function typeOf({ operator, attributes }: OnnxNode, first: ElementType): ElementType {
  if (operator === 'Shape') return 'int64';
  if (operator !== 'Cast') return first;
  return Object.entries(ELEMENT_NUMBERS).find(([, number]) => number === attributes.to)![0] as ElementType;
}

function widened(tensor: OnnxTensor): OnnxTensor {
  const { type, values } = tensor;
  if (!(values instanceof Uint16Array)) return tensor;
  const float = new Float32Array(values.length);
  if (type === 'float16') for (const [i, bits] of values.entries()) float[i] = float16ToNumber(bits);
  else new Uint32Array(float.buffer).set(Uint32Array.from(values, (bits) => (bits << 16) >>> 0));
  return { ...tensor, type: 'float32', values: float };
}
