/** The CPU backend where oneDNN is not built: onnxruntime in a thread of its own. onnxruntime-node is an optional peer of this package. */
import { Worker } from 'node:worker_threads';
import { abortError, throwIfAborted } from '../abort.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { strideOf } from '../model/architecture.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import { buildEncoderGraph } from '../model/onnx/encoder-graph.js';
import { encodeModel } from '../model/onnx/schema.js';
import { releaseBuffers } from '../model/release-buffers.js';
import {
  checkBatch,
  type EncodeOptions,
  type Encoder,
  type EncoderInfo,
  type ImageBatch,
  type Moments,
} from './encoder.js';
import type { FromWorker, LoadMessage, ToWorker } from './onnxruntime-messages.js';
import { reviveError } from './plain-error.js';
import { checkThreads, describeThreads, usableProcessors } from './processors.js';

export interface OnnxruntimeOptions {
  /** Of one image's computation. Default: all processors that this process may use, quotas of cgroups counted. */
  readonly threads?: number;
  /** See `EncoderGraphOptions`. */
  readonly queryChunks?: number;
  /** Free the tensors of the weights as soon as the model is built from them; they are unusable then. Default false. */
  readonly consumeWeights?: boolean;
  readonly signal?: AbortSignal;
}

/** What a test replaces. */
export interface OnnxruntimeSeams {
  readonly workerUrl?: URL;
  readonly runtimeModule?: string;
}

/** Keeps the scores of a 2048×2048 image at 1 GiB; more pieces cost no time that could be measured. */
const DEFAULT_QUERY_CHUNKS = 16;

/**
 * Builds the model, starts the thread and loads the model there.
 *
 * @throws LatentCacheError ERR_BACKEND_MISSING (onnxruntime-node is not installed), ERR_ADDON_MISSING, ERR_OPTION,
 * ERR_ABORTED, ERR_OUT_OF_MEMORY, ERR_ENCODER.
 */
export async function createOnnxruntimeEncoder(
  weights: VaeEncoderWeights,
  options: OnnxruntimeOptions = {},
  seams: OnnxruntimeSeams = {},
): Promise<Encoder> {
  const {
    threads = usableProcessors(),
    queryChunks = DEFAULT_QUERY_CHUNKS,
    consumeWeights,
    signal,
  } = options;
  checkThreads(threads);
  if (!Number.isInteger(queryChunks) || queryChunks < 1) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `expected a positive integer as queryChunks, got ${queryChunks}`,
    );
  }
  throwIfAborted(signal, 'encoding');
  const {
    workerUrl = new URL('./onnxruntime-worker.js', import.meta.url),
    runtimeModule = 'onnxruntime-node',
  } = seams;
  const graph = buildEncoderGraph(weights, { type: 'float32', size: 'dynamic', queryChunks });
  const model = encodeModel(graph, { external: false });
  if (consumeWeights) releaseBuffers(weights.tensors.values());
  // without the flags of this process: some, like --input-type, refuse a worker that is a file
  // onnxruntime keeps a device id and a log for its maker unless told not to. Its native code reads the process's own
  // environment, of which a worker has only a copy: it must be set here.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const worker = new Worker(workerUrl, { name: 'latent-cache encoder', execArgv: [] });
  const runtime = await startUp(
    worker,
    { kind: 'load', model, threads, runtimeModule, logvarClamp: weights.architecture.logvarClamp },
    signal,
  );
  return new OnnxruntimeEncoder(worker, {
    backend: 'cpu',
    device: describeThreads(threads),
    precision: 'fp32',
    callsAtOnce: 1,
    // measured: 3.7, 4.4 and 3.9 s an image in batches of 1, 2 and 4 (512², two processors)
    preferredBatchSize: 1,
    latentChannels: weights.architecture.latentChannels,
    stride: strideOf(weights.architecture),
    runtime,
  });
}

/** Sends the model and waits for the answer; the worker is gone when this fails. */
async function startUp(worker: Worker, message: LoadMessage, signal?: AbortSignal): Promise<string> {
  let resolve!: (runtime: string) => void;
  let reject!: (error: LatentCacheError) => void;
  const promise = new Promise<string>((...settlers) => {
    [resolve, reject] = settlers;
  });
  const onAnswer = (answer: FromWorker) => {
    if (answer.kind === 'ready') resolve(answer.runtime);
    else if (answer.kind === 'error') reject(reviveError(answer.error));
  };
  const onError = (error: unknown) => reject(crash(error));
  const onExit = (code: number) => reject(stopped(code));
  const onAbort = () => reject(abortError(signal!, 'encoding'));
  // not removeAllListeners: a Worker listens to itself
  worker.on('message', onAnswer).on('error', onError).on('exit', onExit);
  signal?.addEventListener('abort', onAbort);
  try {
    worker.postMessage(message, [message.model.buffer]);
    return await promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    worker.off('message', onAnswer).off('error', onError).off('exit', onExit);
  }
}

interface Job {
  /** (count, height, width, 3): a copy that can be transferred. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  settle(outcome: Moments | LatentCacheError): void;
}

class OnnxruntimeEncoder implements Encoder {
  readonly info: EncoderInfo;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** In order; the worker has only the running one, so that the others can still be dropped. */
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  /** Set once the worker is gone or going. */
  #end: LatentCacheError | undefined;
  #disposal: Promise<void> | undefined;

  constructor(worker: Worker, info: EncoderInfo) {
    this.#worker = worker;
    this.info = info;
    worker.on('message', (answer: FromWorker) => this.#onAnswer(answer));
    worker.on('messageerror', (error) => this.#close(crash(error)));
    worker.on('error', (error) => this.#close(crash(error)));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        this.#close(stopped(code));
        resolve();
      });
    });
    // an encoder that somebody forgot must not keep the process alive
    worker.unref();
  }

  async encodeBatch(batch: ImageBatch, { signal }: EncodeOptions = {}): Promise<Moments> {
    checkBatch(batch, this.info.stride);
    if (this.#end !== undefined) throw this.#end;
    throwIfAborted(signal, 'encoding');
    const { images, width, height } = batch;
    const pixels = joined(images);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        job.settle(abortError(signal!, 'encoding'));
      };
      const job: Job = {
        pixels,
        count: images.length,
        width,
        height,
        // settling twice is harmless: a running job that was aborted is still answered
        settle: (outcome) => {
          signal?.removeEventListener('abort', onAbort);
          if (outcome instanceof LatentCacheError) reject(outcome);
          else resolve(outcome);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#stop();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #stop(): Promise<void> {
    if (this.#end === undefined) {
      this.#close(new LatentCacheError('ERR_ENCODER_DISPOSED', 'the encoder was disposed'));
      // the thread ends by itself after the running call: native code cannot be interrupted anyway
      this.#worker.ref();
      this.#worker.postMessage({ kind: 'dispose' } satisfies ToWorker);
    } else {
      await this.#worker.terminate();
    }
    await this.#exited;
  }

  #next(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#waiting.shift();
    if (this.#running === undefined) {
      this.#worker.unref();
      return;
    }
    const { pixels, count, width, height } = this.#running;
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'encode', pixels, count, width, height } satisfies ToWorker, [
      pixels.buffer,
    ]);
  }

  #onAnswer(answer: FromWorker): void {
    const job = this.#running;
    // nothing runs any more when the encoder was disposed in the meantime
    if (job === undefined) return;
    this.#running = undefined;
    if (answer.kind === 'moments') {
      const { count, width, height } = job;
      const { latentChannels: channels, stride } = this.info;
      const { mean, logvar } = answer;
      job.settle({ mean, logvar, count, channels, width: width / stride, height: height / stride });
    } else if (answer.kind === 'error') {
      job.settle(reviveError(answer.error));
    }
    this.#next();
  }

  /** The first reason stays: a crash is followed by an exit. */
  #close(reason: LatentCacheError): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    const jobs = this.#running === undefined ? this.#waiting : [this.#running, ...this.#waiting];
    for (const job of jobs.splice(0)) job.settle(reason);
    this.#running = undefined;
    this.#waiting.length = 0;
  }
}

function joined(images: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = images[0]!.byteLength;
  const pixels = new Uint8Array(images.length * bytes);
  for (const [index, image] of images.entries()) pixels.set(image, index * bytes);
  return pixels;
}

function crash(cause: unknown): LatentCacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = systemErrorCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY' ? 'ERR_OUT_OF_MEMORY' : 'ERR_ENCODER';
  return new LatentCacheError(code, `the encoder's thread failed: ${reason}`, { cause });
}

function stopped(exitCode: number): LatentCacheError {
  return new LatentCacheError(
    'ERR_ENCODER',
    `the encoder's thread stopped unexpectedly with exit code ${exitCode}`,
  );
}
