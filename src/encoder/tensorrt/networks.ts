/** From the VAE's weights to the network of each engine. */
import { createHash } from 'node:crypto';
import type { Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import { strideOf } from '../../model/architecture.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { checkGraph } from '../../model/onnx/check-graph.js';
import { buildEncoderGraph } from '../../model/onnx/encoder-graph.js';
import { buildProbeGraph } from '../../model/onnx/probe-graph.js';
import { encodeModel, externalTensors, type OnnxGraph } from '../../model/onnx/schema.js';
import { chooseRescaling, type Rescaling, rescale, scalePoints } from '../../model/rescale.js';
import type { EngineShape } from '../../native/binding.js';
import { type EngineSpec, shapeOf } from './engine-spec.js';
import { ELEMENT_TYPES } from './precision.js';
import type { EngineTensor } from './stage-build.js';

export interface Network {
  /** The ONNX model, without weights. */
  readonly model: Uint8Array;
  readonly tensors: readonly EngineTensor[];
  /** Names the values of `tensors`. */
  readonly weightsId: string;
  /** Of two, by which activations are scaled; null without rescaling. */
  readonly exponents: readonly number[] | null;
  /** @throws LatentCacheError ERR_GRAPH_LIMIT when a run of this shape has more elements than operators can address. */
  check(shape: EngineShape): void;
}

/** Rows of the score matrix that the attention computes at once: as many as keep a GPU busy, and as few as it can do with. */
const QUERY_ROWS = { auto: 4096, sliced: 256 } as const;

/** Pieces in which the attention works through its queries, or how to choose them. */
export type QueryChunks = number | keyof typeof QUERY_ROWS;

/** @throws LatentCacheError ERR_OPTION for a number that is none. */
export function chooseQueryChunks(options: {
  readonly queryChunks?: number;
  readonly sliceAttention?: boolean;
}): QueryChunks {
  const chosen = options.sliceAttention ? 'sliced' : (options.queryChunks ?? 'auto');
  if (typeof chosen === 'string' || (Number.isInteger(chosen) && chosen >= 1)) return chosen;
  throw new LatentCacheError('ERR_OPTION', `expected a positive integer as queryChunks, got ${chosen}`);
}

/** @param stride pixels per latent pixel. */
export function queryChunksFor({ width, height }: Size, stride: number, chosen: QueryChunks): number {
  if (typeof chosen === 'number') return chosen;
  return Math.ceil(((width / stride) * (height / stride)) / QUERY_ROWS[chosen]);
}

export class Networks {
  #rescaled: { readonly weights: VaeEncoderWeights; readonly rescaling: Rescaling } | undefined;

  constructor(
    readonly weights: VaeEncoderWeights,
    private readonly queryChunks: QueryChunks,
  ) {}

  /** Of the `fp16` networks; undefined until it is set, which must be before the first of them is asked for. */
  get rescaling(): Rescaling | undefined {
    return this.#rescaled?.rescaling;
  }

  setRescaling(rescaling: Rescaling): void {
    this.#rescaled = { weights: rescale(this.weights, rescaling), rescaling };
  }

  /** Values in a row of the calibration network's output. */
  get probeLength(): number {
    return scalePoints(this.weights.layers).length;
  }

  /** @param maxima rows of the calibration network, one for each image. */
  chooseRescaling(maxima: readonly Float32Array[]): Rescaling {
    return chooseRescaling(this.weights.layers, maxima);
  }

  network(spec: EngineSpec): Network {
    const { precision, purpose, size, largest } = spec;
    if (purpose === 'calibration') return this.#network(buildProbeGraph(this.weights, largest), null);
    const rescaled = precision === 'fp16' ? this.#rescaled : undefined;
    if (precision === 'fp16' && rescaled === undefined) throw new Error('fp16 without a rescaling');
    const options = { type: ELEMENT_TYPES[precision], size, queryChunks: this.#chunksFor(largest) };
    const graph = buildEncoderGraph(rescaled?.weights ?? this.weights, options);
    return this.#network(graph, rescaled?.rescaling.exponents ?? null);
  }

  /** Whether one image of that size is within the limits of the operators. */
  allows(size: Size): boolean {
    const options = { type: 'float32', size, queryChunks: this.#chunksFor(size) } as const;
    const graph = buildEncoderGraph(this.weights, options);
    return isWithinLimits({ check: (shape) => checkGraph(graph, shape) }, shapeOf(size, 1));
  }

  #network(graph: OnnxGraph, exponents: readonly number[] | null): Network {
    const types = [...new Set(graph.initializers.map(({ type }) => type))].sort();
    const { fingerprint } = this.weights;
    return {
      model: encodeModel(graph, { external: true }),
      tensors: externalTensors(graph),
      exponents,
      weightsId: createHash('sha256')
        .update(JSON.stringify([fingerprint, exponents, types]))
        .digest('hex'),
      check: (shape) => checkGraph(graph, shape),
    };
  }

  #chunksFor(size: Size): number {
    return queryChunksFor(size, strideOf(this.weights.architecture), this.queryChunks);
  }
}

export function isWithinLimits(network: Pick<Network, 'check'>, shape: EngineShape): boolean {
  try {
    network.check(shape);
    return true;
  } catch (error) {
    if (error instanceof LatentCacheError && error.code === 'ERR_GRAPH_LIMIT') return false;
    throw error;
  }
}
