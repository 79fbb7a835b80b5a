/** Values of a config file: whole numbers are bigint, so that 1 and 1.0 differ as they do in Python. */

export type ConfigTable = Readonly<Record<string, unknown>>;

export function isTable(value: unknown): value is ConfigTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** What a value is, for messages. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  if (typeof value === 'string') return `'${shorten(value)}'`;
  return shorten(typeof value === 'bigint' ? bigintText(value) : String(value));
}

/** Text of a file in a message: short, and on one line. */
export function shorten(text: string): string {
  const line = text.slice(0, 80).replace(/\p{Cc}/gu, '\u{fffd}');
  return text.length > 80 ? `${line}…` : line;
}

/** Writing out a number of a million digits would take seconds. */
const bigintText = (value: bigint) =>
  value > -(10n ** 40n) && value < 10n ** 40n ? String(value) : 'a number of more than 40 digits';

const SURROGATE = /[\ud800-\udfff]/;

/** A text that the system takes for a path: well-formed and without NUL. */
export function isPathText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    !value.includes('\0') &&
    (!SURROGATE.test(value) || Buffer.from(value).toString() === value)
  );
}
