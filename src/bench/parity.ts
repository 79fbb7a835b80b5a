/** Whether what was fast is also right: latents against those that float32 gives. */

import { isSimulated } from '../cache/provenance.js';
import type { EncoderInfo, ImageBatch, Moments } from '../encoder/encoder.js';
import type { PrecisionName } from '../encoder/precision-names.js';
import { createEncoder } from '../encoder/select.js';
import { LatentCacheError } from '../errors.js';
import type { VaeArchitecture } from '../model/architecture.js';
import { MODELS, type ModelId } from '../model/catalog.js';
import { loadVae } from '../model/load-vae.js';
import { loadKnownAnswers } from '../selftest/known-answers.js';
import { seededImage } from '../selftest/seeded-images.js';
import { Workspace } from '../selftest/workspace.js';
import type { Parity, ParityDifference } from './report.js';

export interface ParityParts {
  readonly info: EncoderInfo;
  readonly vae: string;
  readonly model: ModelId;
  readonly architecture: VaeArchitecture;
  /** Single images, with what the encoder made of them. */
  readonly checked: readonly { readonly batch: ImageBatch; readonly mean: Float32Array }[];
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * rmse over the standard deviation of the means, a few times of what docs/performance.md has under "Precision": sums in
 * another order for float32, roundings for the others.
 */
const LIMITS: Readonly<Record<string, number>> = {
  fp32: 1e-3,
  bf16x3: 1e-3,
  tf32: 5e-3,
  fp16: 1e-2,
  bf16: 5e-2,
};

/** onnxruntime first: it shares no code with the backends of this package. */
const REFERENCES = ['onnxruntime', 'onednn'] as const;

export async function checkParity(parts: ParityParts): Promise<Parity> {
  const { info, checked } = parts;
  if (isSimulated(info.backend)) {
    return { status: 'simulated', message: 'not applicable: a simulation encodes nothing', difference: null };
  }
  const reasons: string[] = [];
  for (const backend of REFERENCES) {
    if (info.precision === 'fp32' && info.runtime.toLowerCase().startsWith(backend)) continue;
    try {
      return judge(info, await encodeReference(parts, backend), checked);
    } catch (error) {
      if (!(error instanceof LatentCacheError) || error.code === 'ERR_ABORTED') throw error;
      reasons.push(`${backend}: ${error.message}`);
    }
  }
  if (info.backend === 'cpu') return checkKnownAnswers(parts);
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  return {
    status: 'not-checked',
    message: `no other float32 encoder is here to compare with${why}`,
    difference: null,
  };
}

/**
 * Where nothing else computes float32: the same encoder, with weights and images of the self-test, whose latents torch has
 * computed in float64.
 */
export async function checkKnownAnswers({
  info,
  model,
  architecture,
  threads,
  signal = new AbortController().signal,
}: Omit<ParityParts, 'vae' | 'checked'>): Promise<Parity> {
  const answers = await loadKnownAnswers();
  const kind = architecture.family === 'tiny' ? 'tiny' : MODELS[model].vae;
  const family = answers.families.find(({ vae }) => vae === kind);
  await using workspace = await Workspace.open(answers);
  const weights =
    family === undefined ? workspace.loadVae('full', signal) : workspace.loadFamily(family, signal);
  const { encoder } = await createEncoder(await weights, {
    backend: REFERENCES.find((backend) => info.runtime.toLowerCase().startsWith(backend)) ?? 'cpu',
    precision: info.precision as PrecisionName, // of an encoder that was made by this name
    consumeWeights: true,
    signal,
    ...(threads === undefined ? {} : { threads }),
  });
  await using tested = encoder;
  const checked: ParityParts['checked'][number][] = [];
  const means: Float32Array[] = [];
  const cases = family === undefined ? answers.encoder.filter(({ network }) => network === 'full') : [family];
  for (const { image, imageSeed, height, width, right } of cases) {
    const batch = { images: [seededImage(image, imageSeed, height, width)], width, height };
    checked.push({ batch, mean: (await tested.encodeBatch(batch, { signal })).mean });
    means.push(right.mean);
  }
  return judge(info, { runtime: 'torch in float64, on images of the self-test', means }, checked);
}

interface Reference {
  readonly runtime: string;
  readonly means: readonly Float32Array[];
}

async function encodeReference(
  { vae, model, checked, threads, signal }: ParityParts,
  backend: (typeof REFERENCES)[number],
): Promise<Reference> {
  const abort = signal === undefined ? {} : { signal };
  const weights = await loadVae(vae, { model, ...abort });
  const { encoder } = await createEncoder(weights, {
    backend,
    precision: 'fp32',
    consumeWeights: true,
    ...abort,
    ...(threads === undefined ? {} : { threads }),
  });
  await using reference = encoder;
  const means: Float32Array[] = [];
  for (const { batch } of checked) means.push((await reference.encodeBatch(batch, abort)).mean);
  return { runtime: `${reference.info.runtime}, fp32`, means };
}

function judge(info: EncoderInfo, reference: Reference, checked: ParityParts['checked']): Parity {
  const limit = LIMITS[info.precision] ?? LIMITS.fp32!;
  const values = checked.map(({ mean }, index) => ({ mean, expected: reference.means[index]! }));
  const difference: ParityDifference = {
    evidence: 'measured',
    reference: reference.runtime,
    images: checked.length,
    limit,
    ...compareLatents(values),
  };
  const { relative, notFinite } = difference;
  const passed = notFinite === 0 && relative <= limit;
  const text = `off by ${percent(relative)} of the deviation, ${percent(limit)} are allowed`;
  const message = notFinite > 0 ? `${notFinite} values are not finite` : text;
  return {
    status: passed ? 'passed' : 'failed',
    message: `${message}; reference ${reference.runtime}`,
    difference,
  };
}

function percent(part: number): string {
  return `${(100 * part).toPrecision(2)} %`;
}

type LatentPair = { readonly mean: Moments['mean']; readonly expected: Float32Array };

/** Over all values of all images; one that is not finite counts as such alone. */
export function compareLatents(
  pairs: readonly LatentPair[],
): Pick<ParityDifference, 'maximum' | 'rmse' | 'relative' | 'psnr' | 'notFinite'> {
  let count = 0;
  let notFinite = 0;
  let maximum = 0;
  let squares = 0;
  let sum = 0;
  let sumOfSquares = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { mean, expected } of pairs) {
    for (let index = 0; index < expected.length; index++) {
      const value = mean[index] ?? Number.NaN;
      const right = expected[index]!;
      if (!Number.isFinite(value) || !Number.isFinite(right)) {
        notFinite++;
        continue;
      }
      const off = Math.abs(value - right);
      maximum = Math.max(maximum, off);
      squares += off * off;
      sum += right;
      sumOfSquares += right * right;
      lowest = Math.min(lowest, right);
      highest = Math.max(highest, right);
      count++;
    }
  }
  if (count === 0) return { maximum: 0, rmse: 0, relative: 0, psnr: null, notFinite };
  const rmse = Math.sqrt(squares / count);
  const deviation = Math.sqrt(Math.max(0, sumOfSquares / count - (sum / count) ** 2));
  const relative = rmse === 0 ? 0 : rmse / Math.max(deviation, Number.MIN_VALUE);
  const psnr = rmse === 0 || highest === lowest ? null : 20 * Math.log10((highest - lowest) / rmse);
  return { maximum, rmse, relative: Math.min(relative, Number.MAX_VALUE), psnr, notFinite };
}
