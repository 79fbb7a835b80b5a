/** The child's side of a build: one order, progress, one answer. */
import { readFile, writeFile } from 'node:fs/promises';
import { asLatentCacheError } from '../../errors.js';
import type { NativeBinding } from '../../native/binding.js';
import { toPlainError } from '../plain-error.js';
import type { BuildMessage, BuildResult, FromBuildChild } from './build-messages.js';
import type { MeasuredRun } from './engine-record.js';

type Builder = Pick<NativeBinding, 'buildEngine' | 'openDevice'>;

/** Waits for the order of the parent, follows it and ends the process. */
export function serveBuild(binding: Builder): void {
  // Ctrl-C reaches the whole process group: it is the parent who decides about this build.
  process.on('SIGINT', () => {});
  // The builder cannot be interrupted, and nobody is there any more who wants its result.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (message: BuildMessage) => {
    build(message, binding)
      .then(
        (result) => send({ kind: 'built', ...result }),
        (thrown: unknown) =>
          send({ kind: 'error', error: toPlainError(asLatentCacheError(thrown, 'ERR_ENGINE_BUILD')) }),
      )
      .finally(() => process.exit());
  });
}

async function build(message: BuildMessage, binding: Builder): Promise<BuildResult> {
  const { graphFile, timingCacheFile, planFile, newTimingCacheFile, measure: _, ...order } = message;
  let phase = '';
  const { plan, timingCache } = await binding.buildEngine(
    {
      ...order,
      graph: await readFile(graphFile),
      timingCache: timingCacheFile === null ? null : await readFile(timingCacheFile),
    },
    (next) => {
      if (next === phase) return;
      phase = next;
      void send({ kind: 'progress', phase });
    },
  );
  await writeFile(planFile, plan);
  if (timingCache !== null) await writeFile(newTimingCacheFile, timingCache);
  await send({ kind: 'progress', phase: 'Measuring memory' });
  return measure(message, plan.byteLength, binding);
}

/** Loads the engine once. That it does not fit the budget here is no reason to throw a good engine away. */
async function measure(
  { plugin, libraryFolders, device, memoryLimit, planFile, measure: shapes }: BuildMessage,
  bytes: number,
  binding: Builder,
): Promise<BuildResult> {
  const memory: MeasuredRun[] = [];
  const opened = await binding.openDevice({
    plugin,
    libraryFolders,
    device,
    memoryBudget: memoryLimit,
    slots: 1,
  });
  try {
    const engine = await opened.loadEngine({ path: planFile, offset: 0, bytes });
    for (const shape of shapes) memory.push({ shape, ...(await opened.memoryFor(engine.id, shape)) });
    return { weightBytes: engine.weightBytes, memory };
  } catch (thrown) {
    if (asLatentCacheError(thrown, 'ERR_ENGINE_BUILD').code !== 'ERR_DEVICE_OUT_OF_MEMORY') throw thrown;
    return { weightBytes: null, memory };
  } finally {
    await opened.close();
  }
}

/** Settles when the message is on its way; a parent that is gone gets nothing. */
function send(message: FromBuildChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(message, undefined, {}, () => resolve());
    else resolve();
  });
}
