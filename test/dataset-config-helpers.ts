/** What the trainers' own code makes of configs: written by test/golden/make_config.py. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { readDatasetConfig } from '#dist/dataset/config/read-dataset-config.js';
import type { DatasetConfig } from '#dist/dataset/config/types.js';
import { LatentCacheError } from '#dist/errors.js';

const golden = fileURLToPath(new URL('golden/data/config/', import.meta.url));

export interface Refused {
  readonly error: string;
  /** Where voluptuous found faults. */
  readonly places: readonly string[];
  /** Those of them that are keys which it does not know. */
  readonly extra: readonly string[];
  readonly message: string;
}

export interface Answers<Case> {
  readonly cases: Readonly<Record<string, Case>>;
  readonly files: Readonly<Record<string, [width: number, height: number]>>;
  readonly texts: Readonly<Record<string, string>>;
}

export const readAnswers = <T>(trainer: string) =>
  JSON.parse(readFileSync(path.join(golden, `${trainer}.json`), 'utf8')) as T;

/** For each test file: a current folder of its own. */
export function useCurrentFolder(): void {
  const before = process.cwd();
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'latent-cache-config-'));
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
}

export function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(name), { recursive: true });
    writeFileSync(name, text);
  }
}

/** One of the golden configs, read in the current folder. */
export async function readGolden(trainer: string, name: string): Promise<DatasetConfig | LatentCacheError> {
  copyFileSync(path.join(golden, trainer, name), name);
  return readOrError(name);
}

export async function readOrError(file: string): Promise<DatasetConfig | LatentCacheError> {
  try {
    return await readDatasetConfig(file);
  } catch (error) {
    if (error instanceof LatentCacheError) return error;
    throw error;
  }
}

export function asConfig(result: DatasetConfig | LatentCacheError): DatasetConfig {
  if (result instanceof LatentCacheError) throw result;
  return result;
}

export function asError(result: DatasetConfig | LatentCacheError): LatentCacheError {
  if (!(result instanceof LatentCacheError)) throw new Error('no error');
  return result;
}
