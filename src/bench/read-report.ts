/** Reads reports of anybody: by the schema that is published, and by what must follow from their samples. */
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Ajv2020 as Ajv, ValidateFunction } from 'ajv/dist/2020.js';
import { asLatentCacheError, LatentCacheError } from '../errors.js';
import type { BenchReport, Distribution } from './report.js';
import { summarise } from './statistics.js';

const require = createRequire(import.meta.url);
const SCHEMA = '../../docs/bench-report.schema.json';
/** A day of samples has less. */
const MOST_BYTES = 64 * 2 ** 20;
/** Of the last digits of a sum. */
const TOLERANCE = 1e-9;

/** @throws LatentCacheError ERR_REPORT */
export async function readReportFile(file: string): Promise<BenchReport> {
  let text: string;
  try {
    if ((await stat(file)).size > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw asLatentCacheError(cause, 'ERR_REPORT', { path: file, remedy: REMEDY });
  }
  try {
    return validateReport(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LatentCacheError('ERR_REPORT', `${file} is no report: ${reason}`, {
      path: file,
      remedy: REMEDY,
      cause,
    });
  }
}

const REMEDY = 'Give a file that latent-cache bench --output wrote.';

/**
 * @param value parsed JSON of any origin
 * @throws LatentCacheError ERR_REPORT naming the first field that is wrong
 */
export function validateReport(value: unknown): BenchReport {
  const validate = schemaValidator();
  if (!validate(value)) {
    const { instancePath = '', message = 'is wrong' } = validate.errors?.[0] ?? {};
    // as `compare` names fields
    throw wrong(instancePath.slice(1).replaceAll('/', '.'), message);
  }
  const report = value as unknown as BenchReport;
  checkFigures(report);
  return report;
}

let validator: ValidateFunction | undefined;

function schemaValidator(): ValidateFunction {
  if (validator === undefined) {
    const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv };
    validator = new Ajv2020({ allowUnionTypes: true }).compile(require(SCHEMA) as object);
  }
  return validator;
}

/** A figure that does not follow from its samples was changed by hand. */
function checkFigures(report: BenchReport): void {
  const { stages, sweep, imagesPerSecond, endToEndShare, bound, work, batch, simulated, parity } = report;
  for (const [name, stage] of Object.entries(stages)) checkDistribution(`stages.${name}`, stage);
  for (const [index, step] of sweep.entries()) {
    checkDistribution(`sweep.${index}.secondsPerImage`, step.secondsPerImage);
  }
  const { encode, endToEnd } = stages;
  checkEqual('imagesPerSecond.encode', imagesPerSecond.encode.value, 1 / encode.median);
  checkEqual('imagesPerSecond.endToEnd', imagesPerSecond.endToEnd.value, 1 / endToEnd.median);
  checkEqual('endToEndShare', endToEndShare.value, encode.median / endToEnd.median);
  if (bound !== null) {
    checkEqual(
      'bound.imagesPerSecond',
      bound.imagesPerSecond.value,
      bound.peak.value / bound.operations.value,
    );
    checkEqual('bound.share', bound.share.value, imagesPerSecond.encode.value / bound.imagesPerSecond.value);
  }
  const images = work.buckets.reduce((sum, bucket) => sum + bucket.images, 0);
  if (images !== work.images) throw wrong('work.buckets', `hold ${images} images, not ${work.images}`);
  if (!sweep.some((step) => step.batch === batch)) throw wrong('batch', 'is none of the sweep');
  const isSimulation = parity.status === 'simulated';
  if (isSimulation !== simulated) throw wrong('parity.status', 'does not go with simulated');
  const claims = [encode, endToEnd, imagesPerSecond.encode, imagesPerSecond.endToEnd, endToEndShare];
  const expected = simulated ? 'simulated' : 'measured';
  if (claims.some(({ evidence }) => evidence !== expected)) {
    throw wrong('stages', `are not labelled as ${expected}, which simulated demands`);
  }
  if (parity.status === 'passed') {
    const { difference } = parity;
    const isPassed =
      difference !== null && difference.notFinite === 0 && difference.relative <= difference.limit;
    if (!isPassed) throw wrong('parity', 'has not passed by its own figures');
  }
}

function checkDistribution(path: string, { samples, ...claimed }: Distribution): void {
  for (const [name, value] of Object.entries(summarise(samples))) {
    checkEqual(`${path}.${name}`, claimed[name as keyof ReturnType<typeof summarise>], value);
  }
}

function checkEqual(path: string, claimed: number, value: number): void {
  if (Math.abs(claimed - value) <= TOLERANCE * Math.max(Math.abs(value), TOLERANCE)) return;
  throw wrong(path, `is ${claimed}, but ${value} follows from the rest of the report`);
}

function wrong(path: string, what: string): LatentCacheError {
  return new LatentCacheError('ERR_REPORT', `${path === '' ? 'the document' : path} ${what}`, {
    remedy: REMEDY,
  });
}
