/** From image files to caches that are read back: what a user does. */
import { drawSampleImages } from '../../demo/sample-images.js';
import { loadVae } from '../../model/load-vae.js';
import { buildCache } from '../../pipeline/build-cache.js';
import type { SummaryEvent } from '../../pipeline/events.js';
import type { BuildOptions } from '../../pipeline/options.js';
import type { VerifySummary } from '../../verify/results.js';
import { verifyCaches } from '../../verify/verify-caches.js';
import type { Checklist } from '../checklist.js';
import { CheckFailure } from '../failure.js';
import { withoutPaths } from '../private-text.js';
import type { Figures } from '../report.js';
import type { Target } from '../target.js';
import type { Workspace } from '../workspace.js';

const DATASET = { model: 'sdxl', resolution: 256, enableBucket: true, flipAug: true } as const;

export async function checkEndToEnd(
  list: Checklist,
  target: Target,
  workspace: Workspace,
  vae: string,
): Promise<void> {
  await list.run('build', 'image files become caches, which verify --read-data finds clean', async () => {
    const folder = await workspace.makeFolder('images');
    const names = await drawSampleImages(folder);
    const { signal } = list;
    const inputs = [folder];
    const first = await build({ ...(await encoderOf(target, vae, list)), ...DATASET, inputs, signal });
    expectCount('caches', first.encoded, names.length);
    const again = await build({ ...(await encoderOf(target, vae, list)), ...DATASET, inputs, signal });
    expectCount('caches that a second run skips', again.skipped, names.length);
    const verified = await verify(target, inputs, signal);
    const { ERR_SIMULATED: simulated = 0 } = verified.problemsByCode;
    const problems = verified.problems - (target.kind === 'simulated' ? simulated : 0);
    if (problems > 0) {
      const codes = Object.entries(verified.problemsByCode).map(([code, count]) => `${count} ${code}`);
      throw new CheckFailure('SELFTEST_WRONG_RESULT', `verify found ${codes.join(', ')}`);
    }
    return { images: names.length, read: verified.dataRead, bytesWritten: first.bytesWritten };
  });
}

async function encoderOf(
  target: Target,
  vae: string,
  { signal }: Checklist,
): Promise<Omit<BuildOptions, 'inputs' | 'model'>> {
  const { binding, encoderOptions, libraryFolders, kind } = target;
  if (target.isReplaced) {
    const weights = await loadVae(vae, { model: 'sdxl', signal });
    return { binding, encoder: { encoder: await target.open(weights), fingerprint: weights.fingerprint } };
  }
  const { backend, device, engineFolder, threads } = encoderOptions;
  return {
    vae,
    binding,
    libraryDir: libraryFolders,
    oomFallback: 'fail', // the device itself is to do it
    allowSimulated: kind === 'simulated',
    ...(backend === undefined ? {} : { backend }),
    ...(device === undefined ? {} : { device }),
    ...(engineFolder === undefined ? {} : { engineDir: engineFolder }),
    ...(threads === undefined ? {} : { threads }),
  };
}

async function build(options: BuildOptions): Promise<SummaryEvent> {
  let summary: SummaryEvent | undefined;
  for await (const event of buildCache(options)) if (event.type === 'summary') summary = event;
  await options.encoder?.encoder.dispose();
  if (summary === undefined || summary.failed > 0 || summary.stoppedBy !== null) {
    const failure = summary?.stoppedBy ?? summary?.failures[0];
    const why = failure === undefined ? 'no summary' : `${failure.code}: ${withoutPaths(failure.message)}`;
    throw new CheckFailure('SELFTEST_WRONG_RESULT', `the build failed: ${why}`);
  }
  return summary;
}

async function verify(
  { binding }: Target,
  inputs: readonly string[],
  signal: AbortSignal,
): Promise<VerifySummary> {
  for await (const event of verifyCaches({ inputs, ...DATASET, readData: true, signal, binding })) {
    if (event.type === 'summary') return event;
  }
  throw new CheckFailure('SELFTEST_WRONG_RESULT', 'verify gave no summary');
}

function expectCount(what: string, found: number, expected: number): Figures {
  if (found === expected) return {};
  throw new CheckFailure('SELFTEST_WRONG_RESULT', `${expected} ${what} expected, got ${found}`);
}
