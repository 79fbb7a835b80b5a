/** Reports for the tests of what reads them. */
import { readFile } from 'node:fs/promises';
import type { BenchReport } from '#dist/index.js';

/** One of the examples that come with the package. */
export async function exampleReport(card: 'rtx-3060' | 'rtx-4090'): Promise<BenchReport> {
  const file = new URL(`../examples/bench/${card}.simulated.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')) as BenchReport;
}

type Changes<T> = T extends readonly unknown[] ? T : { readonly [K in keyof T]?: Changes<T[K]> };

/** A copy with other values in some places. */
export function changed<T>(value: T, changes: Changes<T>): T {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (const [key, change] of Object.entries(changes as Record<string, unknown>)) {
    const isNested = typeof change === 'object' && change !== null && !Array.isArray(change);
    copy[key] = isNested && copy[key] !== null ? changed(copy[key], change as never) : change;
  }
  return copy as T;
}

/** The same report as a measured one would be, with parity; its numbers are nobody's. */
export function asMeasured(report: BenchReport): BenchReport {
  const difference = {
    evidence: 'measured',
    reference: 'a reference',
    images: 1,
    maximum: 1e-3,
    rmse: 1e-4,
    relative: 1e-4,
    limit: 1e-2,
    psnr: 80,
    notFinite: 0,
  } as const;
  const text = JSON.stringify({
    ...report,
    simulated: false,
    parity: { status: 'passed', message: 'for tests', difference },
    work: { ...report.work, simulation: null },
  });
  return JSON.parse(text.replaceAll('"evidence":"simulated"', '"evidence":"measured"')) as BenchReport;
}
