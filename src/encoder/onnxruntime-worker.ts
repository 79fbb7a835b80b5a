/**
 * The thread that runs onnxruntime: its `run` blocks the thread it is called on. One message at a time: the encoder
 * sends the next batch only when the last one is answered.
 */
import { parentPort } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-node';
import { asLatentCacheError, LatentCacheError, systemErrorCode } from '../errors.js';
import { releaseBuffers } from '../model/release-buffers.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { EncodeMessage, FromWorker, LoadMessage, ToWorker } from './onnxruntime-messages.js';

type Runtime = typeof import('onnxruntime-node');

interface Engine {
  readonly runtime: Runtime;
  readonly session: InferenceSession;
  readonly binding: NativeBinding;
  readonly logvarClamp: LoadMessage['logvarClamp'];
}

const port = parentPort!;
let engine: Engine | undefined;

async function load({ model, threads, runtimeModule, logvarClamp }: LoadMessage): Promise<Engine> {
  const binding = loadBinding();
  const runtime = await importRuntime(runtimeModule);
  const session = await runtime.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // The arena reuses memory inside a run; without it every feature map is mapped and faulted in anew. A memory
    // pattern would plan each new image size as one more block. This pair has the lowest peak and the highest speed.
    enableCpuMemArena: true,
    enableMemPattern: false,
    // fatal only: what it would print, it also throws
    logSeverityLevel: 4,
  });
  // onnxruntime has its own copy now
  releaseBuffers([model]);
  return { runtime, session, binding, logvarClamp };
}

async function importRuntime(name: string): Promise<Runtime> {
  try {
    return (await import(name)) as Runtime;
  } catch (cause) {
    const isMissing = systemErrorCode(cause) === 'ERR_MODULE_NOT_FOUND';
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LatentCacheError(
      'ERR_BACKEND_MISSING',
      isMissing
        ? `the CPU backend needs the package ${name}, it is not installed`
        : `the package ${name} does not load: ${reason}`,
      { remedy: 'Run: npm install onnxruntime-node', cause },
    );
  }
}

async function encode(
  { runtime, session, binding, logvarClamp }: Engine,
  { pixels, count, width, height }: EncodeMessage,
) {
  const { moments } = await session.run({
    pixels: new runtime.Tensor('uint8', pixels, [count, height, width, 3]),
  });
  const rows = moments!.data as Float32Array;
  const [mean, logvar] = [new Float32Array(rows.length / 2), new Float32Array(rows.length / 2)];
  const { minimum, maximum } = logvarClamp;
  binding.splitMoments(rows, minimum, maximum, mean, logvar, new Uint8Array(count));
  moments!.dispose();
  return { mean, logvar };
}

function reply(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function replyError(thrown: unknown): void {
  const known = asLatentCacheError(thrown, isOutOfMemory(thrown) ? 'ERR_OUT_OF_MEMORY' : 'ERR_ENCODER');
  const { code, message, path } = known;
  const remedy = code === 'ERR_OUT_OF_MEMORY' ? 'Encode smaller batches or smaller images.' : known.remedy;
  const text = known === thrown ? message : `onnxruntime failed: ${message}`;
  reply({ kind: 'error', error: { code, message: text, path, remedy } });
}

function isOutOfMemory(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    /bad_alloc|Failed to allocate memory|Array buffer allocation failed/.test(thrown.message)
  );
}

async function answer(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'load':
      engine = await load(message);
      reply({ kind: 'ready', runtime: `onnxruntime ${engine.runtime.env.versions.node}` });
      break;
    case 'encode': {
      const { mean, logvar } = await encode(engine!, message);
      reply({ kind: 'moments', mean, logvar }, [mean.buffer, logvar.buffer]);
      break;
    }
    case 'dispose':
      // without the port nothing keeps this thread alive
      port.close();
      await engine?.session.release();
      break;
  }
}

port.on('message', (message: ToWorker) => {
  answer(message).catch(replyError);
});
