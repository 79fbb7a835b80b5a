/**
 * The backend-neutral form of an encoder: a straight list of layers, each fed by the one before. Everything that runs
 * an encoder (the ONNX writer, oneDNN) walks this list, and the tensors that a file must hold are read off it, so that
 * each topology is written down in one place (`topology.ts`).
 *
 * Feature maps are (count, channels, height, width). Tensor names are the canonical ones: those of the CompVis code,
 * for every family.
 */

import type { Dtype } from './safetensors/dtypes.js';

/** A 2-D convolution: `<name>.weight` [outputs, inputs, kernel, kernel] and, with `bias`, `<name>.bias` [outputs]. */
export interface ConvSpec {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Zeros added at the top, left, bottom, right. */
  readonly padding: readonly [top: number, left: number, bottom: number, right: number];
  readonly bias: boolean;
}

/** Group normalisation with `<name>.weight` and `<name>.bias`, both [channels]. */
export interface GroupNormSpec {
  readonly kind: 'group';
  readonly name: string;
  readonly channels: number;
  readonly groups: number;
  readonly epsilon: number;
}

/** For each pixel: x ↦ x / max(‖x‖₂ over the channels, epsilon) · √channels · `<name>.weight` [channels]. */
export interface RmsNormSpec {
  readonly kind: 'rms';
  readonly name: string;
  readonly channels: number;
  readonly epsilon: number;
}

export type NormSpec = GroupNormSpec | RmsNormSpec;

/** The start: bytes v ↦ v / 255, brought to −1…1 when 'signed'. */
export interface PixelsLayer {
  readonly kind: 'pixels';
  readonly range: 'signed' | 'unit';
}

/** x ↦ conv(x) */
export interface ConvLayer {
  readonly kind: 'conv';
  readonly conv: ConvSpec;
}

/** x ↦ conv(x), halving both sides. */
export interface DownsampleLayer {
  readonly kind: 'downsample';
  readonly conv: ConvSpec;
}

/**
 * Halves both sides: x ↦ s2d(conv(x)) + mean(s2d(x)). s2d moves 2×2 pixels into channels in the order (row, column,
 * channel); the mean is over groups of 4 · inputs / outputs consecutive channels.
 */
export interface SpaceToDepthLayer {
  readonly kind: 'space-to-depth';
  readonly name: string;
  /** 3×3, inputs → outputs / 4. */
  readonly conv: ConvSpec;
  readonly inputs: number;
  readonly outputs: number;
}

/** x ↦ silu(norm(x)) */
export interface NormSiluLayer {
  readonly kind: 'norm-silu';
  readonly norm: NormSpec;
}

/** x ↦ shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x)))))); no shortcut conv means x itself. */
export interface ResidualLayer {
  readonly kind: 'residual';
  readonly name: string;
  readonly norm1: NormSpec;
  readonly conv1: ConvSpec;
  readonly norm2: NormSpec;
  readonly conv2: ConvSpec;
  readonly shortcut: ConvSpec | null;
}

/**
 * One head over all pixels as tokens, with y = norm(x):
 * x ↦ x + output(softmax(scale · query(y)ᵀ key(y)) · value(y)ᵀ)
 */
export interface AttentionLayer {
  readonly kind: 'attention';
  readonly name: string;
  readonly norm: NormSpec;
  readonly query: ConvSpec;
  readonly key: ConvSpec;
  readonly value: ConvSpec;
  readonly output: ConvSpec;
  /** 1 / sqrt(channels). */
  readonly scale: number;
}

/** x ↦ conv(silu(norm(x))) + meanScale · (mean of x over `group` consecutive channels). */
export interface NormConvMeanLayer {
  readonly kind: 'norm-conv-mean';
  readonly norm: NormSpec;
  readonly conv: ConvSpec;
  readonly group: number;
  /** 1, or what takes a scale of x out again (`rescale.ts`). */
  readonly meanScale: number;
}

/** x ↦ relu(conv(relu(conv(relu(conv(x))))) + x) */
export interface ReluBlockLayer {
  readonly kind: 'relu-block';
  readonly name: string;
  readonly convs: readonly [ConvSpec, ConvSpec, ConvSpec];
}

/** The end: the first `channels` channels are the mean, the others the log variance, clamped. */
export interface MomentsLayer {
  readonly kind: 'moments';
  readonly channels: number;
  readonly logvarMinimum: number;
  readonly logvarMaximum: number;
}

export type Layer =
  | PixelsLayer
  | ConvLayer
  | DownsampleLayer
  | SpaceToDepthLayer
  | NormSiluLayer
  | ResidualLayer
  | AttentionLayer
  | NormConvMeanLayer
  | ReluBlockLayer
  | MomentsLayer;

/** Where the bytes of a tensor lie as they are. */
export interface TensorSource {
  readonly path: string;
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
  readonly dtype: Dtype;
}

/** Layers with the values of their tensors, by canonical name. */
export interface WeightedLayers {
  readonly layers: readonly Layer[];
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** Of the tensors that are still as they were read; a rewrite removes what it changes. */
  readonly sources: ReadonlyMap<string, TensorSource>;
}

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every tensor of a list of layers, in the order in which they are used. */
export function tensorsOf(layers: readonly Layer[]): TensorSpec[] {
  return layers.flatMap(tensorsOfLayer);
}

function tensorsOfLayer(layer: Layer): TensorSpec[] {
  switch (layer.kind) {
    case 'conv':
    case 'downsample':
    case 'space-to-depth':
      return convTensors(layer.conv);
    case 'norm-silu':
      return normTensors(layer.norm);
    case 'residual':
      return [
        ...normTensors(layer.norm1),
        ...convTensors(layer.conv1),
        ...normTensors(layer.norm2),
        ...convTensors(layer.conv2),
        ...(layer.shortcut === null ? [] : convTensors(layer.shortcut)),
      ];
    case 'attention':
      return [
        ...normTensors(layer.norm),
        ...[layer.query, layer.key, layer.value, layer.output].flatMap(convTensors),
      ];
    case 'norm-conv-mean':
      return [...normTensors(layer.norm), ...convTensors(layer.conv)];
    case 'relu-block':
      return layer.convs.flatMap(convTensors);
    case 'pixels':
    case 'moments':
      return [];
  }
}

/** The named tensor; layers and tensors belong together, so that a missing one is a mistake of ours. */
export function tensorOf(tensors: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name} among the layers' tensors`);
  return tensor;
}

function convTensors({ name, inputs, outputs, kernel, bias }: ConvSpec): TensorSpec[] {
  const weight = { name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel] };
  return bias ? [weight, { name: `${name}.bias`, shape: [outputs] }] : [weight];
}

function normTensors({ kind, name, channels }: NormSpec): TensorSpec[] {
  const weight = { name: `${name}.weight`, shape: [channels] };
  return kind === 'group' ? [weight, { name: `${name}.bias`, shape: [channels] }] : [weight];
}
