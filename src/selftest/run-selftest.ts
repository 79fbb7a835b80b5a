/**
 * Proves on a user's machine what our own machines cannot: that this device, with these drivers, encodes rightly, stays
 * inside its memory and gives it back. `docs/selftest.md` says what each check proves.
 */
import { throwIfAborted } from '../abort.js';
import type { PrecisionName } from '../encoder/precision-names.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import { loadBinding } from '../native/load.js';
import { Checklist } from './checklist.js';
import { checkCancelling } from './checks/cancel.js';
import { checkEndToEnd } from './checks/end-to-end.js';
import { checkDevice, describeMachine } from './checks/environment.js';
import { checkFamilies } from './checks/families.js';
import { checkMemoryDrill } from './checks/memory-drill.js';
import { checkCounters, checkMemoryReturns } from './checks/memory-return.js';
import { checkPixels } from './checks/pixels.js';
import { checkPrecisions } from './checks/precisions.js';
import { computeReferences } from './checks/references.js';
import { type KnownAnswers, loadKnownAnswers } from './known-answers.js';
import { parseDevice, parseMinutes, type SelftestOptions, type SelftestSeams } from './options.js';
import type { Figures, SelftestMode, SelftestReport } from './report.js';
import { openTarget, type Target } from './target.js';
import { concludeReport } from './verdict.js';
import { Workspace } from './workspace.js';

/** Of the full-size VAE, beyond the known answers. Not square: another engine or another plan. */
const SIZES: Record<Exclude<SelftestMode, 'quick'>, readonly (readonly [number, number])[]> = {
  default: [
    [512, 512],
    [640, 384],
  ],
  full: [
    [512, 512],
    [640, 384],
    [1024, 1024],
  ],
};

/**
 * Runs all checks, whatever some of them find. Writes to a temporary folder only, and removes it.
 *
 * @throws LatentCacheError (as rejection) ERR_OPTION, ERR_ABORTED, ERR_ADDON_MISSING, ERR_OUTPUT_NOT_WRITABLE (the
 * temporary folder). Everything else is a check that failed.
 */
export async function runSelftest(
  options: SelftestOptions = {},
  seams: SelftestSeams = {},
): Promise<SelftestReport> {
  const choice = parseDevice(options.device ?? 'auto');
  const deadline = performance.now() + parseMinutes(options.minutes) * 60_000;
  const mode = options.mode ?? 'default';
  const { signal = new AbortController().signal } = options;
  throwIfAborted(signal, 'the self-test');
  const native = options.binding ?? loadBinding();
  const began = performance.now();
  const list = new Checklist(options.onEvent ?? (() => {}), signal);
  const answers = await loadKnownAnswers();
  await using workspace = await Workspace.open(answers);
  const target = await openTarget(choice, workspace.engineFolder, options, seams, native);
  await checkPixels(list, answers, target.binding);
  const device = await checkDevice(list, target);
  const learnt =
    device === undefined ? {} : await checkOnDevice(list, target, workspace, answers, mode, deadline);
  return concludeReport(list, {
    mode,
    target,
    seconds: (performance.now() - began) / 1000,
    environment: { ...describeMachine(target.binding), ...device, ...learnt },
  });
}

async function checkOnDevice(
  list: Checklist,
  target: Target,
  workspace: Workspace,
  answers: KnownAnswers,
  mode: SelftestMode,
  deadline: number,
): Promise<Figures> {
  let learnt: Figures = {};
  const small = await workspace.loadVae('small', list.signal);
  const cases = answers.encoder.filter(({ network }) => network === 'small');
  const opens = await list.run('open', `an encoder opens on ${target.name}`, async () => {
    await using encoder = await target.open(small);
    const { backend, device, precision, runtime } = encoder.info;
    learnt = { backend, device, autoPrecision: precision, runtime };
    return { precision };
  });
  if (!opens) return learnt;
  await checkPrecisions(list, target, {
    network: 'small',
    weights: small,
    cases,
    references: [],
    noReferences: null,
    hasOwnEngines: () => false,
    hasTime: () => true,
  });
  const withDevice = async (id: string, check: () => Promise<void>) => {
    if (list.lostDevice) list.skip(id, id, 'the device was lost');
    else await check();
  };
  await checkFamilies(list, target, workspace, answers.families);
  await withDevice('memory.drill', () => checkMemoryDrill(list, target, small, cases));
  await withDevice('cancel', () => checkCancelling(list, target, small));
  await withDevice('build', () => checkEndToEnd(list, target, workspace, small.path));
  if (mode !== 'quick') {
    await withDevice('full', () =>
      checkFullSize(list, target, workspace, answers, mode, String(learnt.runtime), deadline),
    );
  }
  await withDevice('memory.returns', () => checkMemoryReturns(list, target, small));
  await checkCounters(list, target);
  return learnt;
}

async function checkFullSize(
  list: Checklist,
  target: Target,
  workspace: Workspace,
  answers: KnownAnswers,
  mode: Exclude<SelftestMode, 'quick'>,
  runtime: string,
  deadline: number,
): Promise<void> {
  const weights: VaeEncoderWeights = await workspace.loadVae('full', list.signal);
  const references =
    target.kind === 'simulated'
      ? { cases: [], missing: null }
      : await computeReferences(list, target, weights, runtime, SIZES[mode]);
  const [first] = target.precisions;
  await checkPrecisions(list, target, {
    network: 'full',
    weights,
    cases: answers.encoder.filter(({ network }) => network === 'full'),
    references: references.cases,
    noReferences: references.missing,
    hasOwnEngines: (precision: PrecisionName, { width }) =>
      width >= 1024 || (precision === first && width === 512),
    hasTime: () => performance.now() < deadline,
  });
}
