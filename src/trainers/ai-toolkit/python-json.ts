/** Text as Python's `json.dumps` writes it with its default options: ASCII, ", " and ": " between. */

export type PythonValue = string | number | boolean | { readonly [key: string]: PythonValue };

export interface DumpOptions {
  /** Keys in the order of code points instead of that of the object. */
  readonly sortKeys: boolean;
}

/** @param value numbers have to be integers: Python writes other ones its own way */
export function dumps(value: PythonValue, options: DumpOptions): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  const keys = Object.keys(value);
  // Keys here are ASCII, for which code units are in the order of code points.
  if (options.sortKeys) keys.sort();
  return `{${keys.map((key) => `${quote(key)}: ${dumps(value[key]!, options)}`).join(', ')}}`;
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

/** Everything outside of space to tilde is escaped, DEL with it; beyond the BMP by two surrogates, as UTF-16 has them. */
function quote(text: string): string {
  const escaped = text.replace(
    /["\\]|[^ -~]/g,
    (unit) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
