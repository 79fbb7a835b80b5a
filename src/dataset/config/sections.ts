import type { Findings } from './findings.js';
import type { Kind } from './kinds.js';
import { type ConfigTable, describeValue, isTable, shorten } from './values.js';

export type Schema = Readonly<Record<string, Kind>>;

/** One table of the config with those of its keys that the trainer knows there. */
export interface Section {
  /** '' for the whole file. */
  readonly place: string;
  readonly values: ReadonlyMap<string, unknown>;
}

export const within = (place: string, key: string) => (place === '' ? key : `${place}.${shorten(key)}`);

/**
 * Checks a table's values. Keys that are not in the schema are noted and left out.
 *
 * @param hint says where a key belongs that stands in the wrong place
 * @throws LatentCacheError `ERR_DATASET_CONFIG` for a value of another kind
 */
export function readSection(
  table: unknown,
  place: string,
  schema: Schema,
  findings: Findings,
  hint: (key: string) => string | undefined = () => undefined,
): Section {
  if (!isTable(table)) {
    findings.refuse(`${place} must be a table, got ${describeValue(table)}`, `Write it as [${place}].`);
  }
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(table)) {
    const kind = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (kind === undefined) {
      const belongs = hint(key);
      findings.unknown.push({
        key: shorten(key),
        place: within(place, key),
        ...(belongs !== undefined && { hint: belongs }),
      });
      continue;
    }
    if (kind.read(value) === undefined) {
      findings.refuse(
        `${within(place, key)} must be ${kind.expected}, got ${describeValue(value)}`,
        'Correct the value; the trainer refuses it too.',
      );
    }
    values.set(key, value);
  }
  return { place, values };
}

/** The value of the first section that has the key, and where that is. */
export function lookUp<T>(
  sections: readonly Section[],
  key: string,
  kind: Kind<T>,
): { readonly value: T; readonly place: string } | undefined {
  for (const { place, values } of sections) {
    const value = kind.read(values.get(key));
    if (value !== undefined) return { value, place: within(place, key) };
  }
  return undefined;
}

/** Notes the keys of a section that have no effect on latents. */
export function noteIgnored({ place, values }: Section, used: ReadonlySet<string>, findings: Findings): void {
  for (const key of values.keys()) {
    if (!used.has(key)) findings.ignored.push({ key, place: within(place, key) });
  }
}

/** A list of tables under a key; undefined when the key is not there. */
export function tablesOf(
  table: ConfigTable,
  key: string,
  place: string,
  limit: number,
  findings: Findings,
): readonly ConfigTable[] | undefined {
  if (!Object.hasOwn(table, key)) return undefined;
  const value = table[key];
  if (!Array.isArray(value) || !value.every(isTable)) {
    findings.refuse(`${within(place, key)} must be a list of tables`, `Write each as [[${key}]].`);
  }
  if (value.length > limit) {
    findings.refuse(
      `${within(place, key)} has ${value.length} entries, more than ${limit}`,
      'Split the file.',
    );
  }
  return value;
}
