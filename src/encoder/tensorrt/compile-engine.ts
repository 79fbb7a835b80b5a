/**
 * Runs a build in a process of its own: ending it is the only way to cancel the builder at once and to get all of its
 * memory back, and a crash in it costs one build.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { throwIfAborted } from '../../abort.js';
import { LatentCacheError } from '../../errors.js';
import { reviveError } from '../plain-error.js';
import type { BuildMessage, BuildOrder, BuildResult, FromBuildChild } from './build-messages.js';
import { type EngineTensor, stageBuild } from './stage-build.js';

export interface CompileRequest extends BuildOrder {
  /** An ONNX model whose initializers are `tensors`. */
  readonly graph: Uint8Array;
  readonly tensors: readonly EngineTensor[];
  readonly timingCache: Uint8Array | null;
}

export interface CompiledEngine extends BuildResult {
  readonly plan: Uint8Array;
  readonly timingCache: Uint8Array | null;
}

export interface BuildTick {
  /** What the builder says that it does; how much is left is not to be had. */
  readonly phase: string;
  /** Since the build began. */
  readonly seconds: number;
}

export interface CompileOptions {
  /** A private folder for temporary files. */
  readonly workFolder: string;
  /** Called when the phase changes, and every second. */
  readonly onProgress?: ((tick: BuildTick) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The child's program; a test replaces it. */
  readonly entry?: URL;
}

export type Compile = (request: CompileRequest, options: CompileOptions) => Promise<CompiledEngine>;

const TICK_MS = 1000;
const STDERR_TAIL = 2000;

/**
 * @throws LatentCacheError (as rejection) ERR_ABORTED (the child is gone then), ERR_ENGINE_BUILD (the network was
 * refused, or the child crashed), ERR_DEVICE_OUT_OF_MEMORY, ERR_DEVICE_LOST, ERR_DISK_FULL, ERR_OUTPUT_NOT_WRITABLE and
 * those of `NativeBinding.probeBackend`.
 */
export async function compileEngine(
  request: CompileRequest,
  options: CompileOptions,
): Promise<CompiledEngine> {
  const { graph, tensors, timingCache, ...order } = request;
  throwIfAborted(options.signal, 'building the engine');
  const staged = await stageBuild(options.workFolder, graph, tensors, timingCache);
  try {
    const planFile = path.join(staged.folder, 'plan');
    const newTimingCacheFile = path.join(staged.folder, 'new-timing');
    const { graphFile, timingCacheFile } = staged;
    const message = {
      ...order,
      tensors: staged.tensors,
      graphFile,
      timingCacheFile,
      planFile,
      newTimingCacheFile,
    };
    const result = await runChild(message, options);
    return {
      ...result,
      plan: await readFile(planFile),
      timingCache: await readFile(newTimingCacheFile).catch(() => null),
    };
  } finally {
    await staged[Symbol.asyncDispose]();
  }
}

/** Settles when the child has ended. */
async function runChild(
  message: BuildMessage,
  { signal, onProgress, entry = new URL('./build-child.js', import.meta.url) }: CompileOptions,
): Promise<BuildResult> {
  throwIfAborted(signal, 'building the engine');
  const started = performance.now();
  // without the flags of this process, which may debug or profile it
  const child = fork(fileURLToPath(entry), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = tailOf(child);
  let phase = 'Starting';
  const tick = () => onProgress?.({ phase, seconds: (performance.now() - started) / 1000 });
  const timer = setInterval(tick, TICK_MS);
  const onAbort = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  let answer: Exclude<FromBuildChild, { kind: 'progress' }> | undefined;
  child.on('message', (said: FromBuildChild) => {
    if (said.kind === 'progress') {
      phase = said.phase;
      tick();
    } else {
      answer = said;
      // all is written; what libraries do at the exit of a process is not worth waiting for
      child.kill('SIGKILL');
    }
  });
  try {
    tick();
    const ending = ended(child);
    // a child that dies at once is an ending, not a failed message
    child.send(message, () => {});
    const how = await ending;
    throwIfAborted(signal, 'building the engine');
    if (answer?.kind === 'error') throw reviveError(answer.error);
    if (answer === undefined) throw crashed(how, output());
    return { weightBytes: answer.weightBytes, memory: answer.memory };
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', onAbort);
    child.kill('SIGKILL');
  }
}

/** How a child ended, when all that it wrote has arrived. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`did not start: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
}

/** The last lines that a child printed: what libraries say before they abort. */
function tailOf({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-STDERR_TAIL);
    });
  }
  return () => text.trim();
}

function crashed(how: string, output: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_ENGINE_BUILD',
    `The process that builds the engine ${how}${output === '' ? '' : `; it printed last: ${output}`}`,
    { remedy: 'Update the driver and TensorRT, try --precision fp32, or use --backend cpu.' },
  );
}
