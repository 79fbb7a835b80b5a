/** The messages of onnx.proto that an encoder graph uses; the numbers are the field numbers of that file (IR 8). */
import { ProtoMessage } from './protobuf.js';

export type ElementType = 'float32' | 'float16' | 'bfloat16' | 'uint8' | 'int64';

/** TensorProto.DataType */
export const ELEMENT_NUMBERS: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int64: 7,
  float16: 10,
  bfloat16: 16,
};

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const DATA_EXTERNAL = 1;

/** Smaller tensors stay in the model: shapes and bounds, which a parser wants to see. */
const EXTERNAL_BYTES = 1024;

/** A number with a fraction is asked for as `{ float }`, since 1 and 1.0 are the same in JavaScript. */
export type Attribute = number | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Where a tensor's bytes lie as they are, so that nobody needs to copy them. */
export interface BytesInFile {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The bits of 16-bit types. */
  readonly values: Float32Array | Uint16Array | BigInt64Array;
  readonly source?: BytesInFile | undefined;
}

/** A graph input or output; a dimension with a name is free. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (string | number)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface ModelOptions {
  /** Leave the values of larger tensors out; each is then looked up by name at its offset in a file `weights`. */
  readonly external: boolean;
}

const OPSET = 18;
const IR_VERSION = 8;

/** A whole model file. The same graph always gives the same bytes. */
export function encodeModel(graph: OnnxGraph, options: ModelOptions): Uint8Array<ArrayBuffer> {
  return new ProtoMessage()
    .integer(1, IR_VERSION)
    .text(2, 'latent-cache')
    .message(7, encodeGraph(graph, options))
    .message(8, new ProtoMessage().text(1, '').integer(2, OPSET))
    .toBytes();
}

/** The tensors that an external model leaves out, in order; `weights` would hold them one after the other. */
export function externalTensors({ initializers }: OnnxGraph): OnnxTensor[] {
  return initializers.filter(({ values }) => values.byteLength >= EXTERNAL_BYTES);
}

function encodeGraph(graph: OnnxGraph, { external }: ModelOptions): ProtoMessage {
  const message = new ProtoMessage();
  const outside = new Set(external ? externalTensors(graph) : []);
  let offset = 0;
  for (const node of graph.nodes) message.message(1, encodeNode(node));
  message.text(2, graph.name);
  for (const tensor of graph.initializers) {
    if (outside.has(tensor)) {
      message.message(5, encodeExternal(tensor, offset));
      offset += tensor.values.byteLength;
    } else {
      message.message(5, encodeTensor(tensor));
    }
  }
  for (const value of graph.inputs) message.message(11, encodeValue(value));
  for (const value of graph.outputs) message.message(12, encodeValue(value));
  return message;
}

function encodeNode(node: OnnxNode): ProtoMessage {
  const message = new ProtoMessage();
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, node.name).text(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes))
    message.message(5, encodeAttribute(name, value));
  return message;
}

function encodeAttribute(name: string, value: Attribute): ProtoMessage {
  const message = new ProtoMessage().text(1, name);
  if (typeof value === 'number') return message.signedInteger(3, value).integer(20, ATTRIBUTE_INT);
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE_FLOAT);
  for (const item of value) message.signedInteger(8, item);
  return message.integer(20, ATTRIBUTE_INTS);
}

function tensorHeader({ name, type, shape }: OnnxTensor): ProtoMessage {
  const message = new ProtoMessage();
  for (const size of shape) message.integer(1, size);
  return message.integer(2, ELEMENT_NUMBERS[type]).text(8, name);
}

function encodeTensor(tensor: OnnxTensor): ProtoMessage {
  const { buffer, byteOffset, byteLength } = tensor.values;
  return tensorHeader(tensor).bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function encodeExternal(tensor: OnnxTensor, offset: number): ProtoMessage {
  const message = tensorHeader(tensor);
  const entries = { location: 'weights', offset: String(offset), length: String(tensor.values.byteLength) };
  for (const [key, value] of Object.entries(entries)) {
    message.message(13, new ProtoMessage().text(1, key).text(2, value));
  }
  return message.integer(14, DATA_EXTERNAL);
}

function encodeValue({ name, type, shape }: OnnxValue): ProtoMessage {
  const dimensions = new ProtoMessage();
  for (const size of shape) {
    const dimension = new ProtoMessage();
    dimensions.message(1, typeof size === 'number' ? dimension.integer(1, size) : dimension.text(2, size));
  }
  const tensorType = new ProtoMessage().integer(1, ELEMENT_NUMBERS[type]).message(2, dimensions);
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensorType));
}
