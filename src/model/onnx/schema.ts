/** The messages of onnx.proto that an encoder graph uses; the numbers are the field numbers of that file (IR 8). */
import { ProtoMessage } from './protobuf.js';

const ELEMENT_FLOAT = 1;
const ELEMENT_INT64 = 7;

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** A number with a fraction is asked for as `{ float }`, since 1 and 1.0 are the same in JavaScript. */
export type Attribute = number | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

/** A graph input or output; a dimension with a name is free. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (string | number)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** A whole model file. The same graph always gives the same bytes. */
export function encodeModel(graph: OnnxGraph, opset: number, irVersion: number): Uint8Array<ArrayBuffer> {
  return new ProtoMessage()
    .integer(1, irVersion)
    .text(2, 'latent-cache')
    .message(7, encodeGraph(graph))
    .message(8, new ProtoMessage().text(1, '').integer(2, opset))
    .toBytes();
}

function encodeGraph(graph: OnnxGraph): ProtoMessage {
  const message = new ProtoMessage();
  for (const node of graph.nodes) message.message(1, encodeNode(node));
  message.text(2, graph.name);
  for (const tensor of graph.initializers) message.message(5, encodeTensor(tensor));
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

function encodeTensor({ name, shape, values }: OnnxTensor): ProtoMessage {
  const message = new ProtoMessage();
  for (const size of shape) message.integer(1, size);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message
    .integer(2, values instanceof Float32Array ? ELEMENT_FLOAT : ELEMENT_INT64)
    .text(8, name)
    .bytes(9, bytes);
}

function encodeValue({ name, shape }: OnnxValue): ProtoMessage {
  const dimensions = new ProtoMessage();
  for (const size of shape) {
    const dimension = new ProtoMessage();
    dimensions.message(1, typeof size === 'number' ? dimension.integer(1, size) : dimension.text(2, size));
  }
  const tensorType = new ProtoMessage().integer(1, ELEMENT_FLOAT).message(2, dimensions);
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensorType));
}
