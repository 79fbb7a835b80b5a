import { parse, TomlError } from 'smol-toml';
import { refuseConfig } from './findings.js';
import { MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH } from './limits.js';
import { readTextBytes } from './read-bytes.js';
import { type ConfigTable, isTable } from './values.js';

/**
 * Reads a `.toml` or `.json` file; the ending of its name decides, as for the trainers.
 *
 * @throws LatentCacheError `ERR_DATASET_CONFIG`, with the line where the syntax is wrong
 */
export async function parseConfigFile(file: string): Promise<ConfigTable> {
  const name = file.toLowerCase();
  const parseText = name.endsWith('.toml') ? parseToml : name.endsWith('.json') ? parseJson : undefined;
  if (parseText === undefined) {
    refuseConfig(
      file,
      'neither .toml nor .json, and the trainer reads nothing else',
      'Rename it after its format.',
    );
  }
  return parseText((await readTextBytes(file, MAX_CONFIG_BYTES)).toString('utf8'), file);
}

function parseToml(text: string, file: string): ConfigTable {
  try {
    const options = { integersAsBigInt: true, maxDepth: MAX_CONFIG_DEPTH };
    return parse(text, options);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [reason] = cause.message.replace('Invalid TOML document: ', '').split('\n');
    return refuseConfig(
      file,
      `line ${cause.line}, column ${cause.column}: ${reason}`,
      "Correct the line. Paths with backslashes go between single quotes: 'C:\\photos'.",
      cause,
    );
  }
}

/** A string, or a number; in text that JSON.parse has taken, nothing else can begin like them. */
const STRING_OR_NUMBER = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g;

function parseJson(text: string, file: string): ConfigTable {
  try {
    JSON.parse(text);
  } catch (cause) {
    return refuseConfig(file, `no valid JSON: ${(cause as Error).message}`, 'Correct the file.', cause);
  }
  // JSON.parse makes 1 and 1.0 the same, Python does not: texts get an 's' in front, whole numbers become texts with an 'i'.
  const marked = text.replace(STRING_OR_NUMBER, (token) => {
    if (token.startsWith('"')) return `"s${token.slice(1)}`;
    return /[.eE]/.test(token) ? token : `"i${token}"`;
  });
  const value = unmark(JSON.parse(marked), file, 0);
  if (!isTable(value)) {
    refuseConfig(file, 'the file holds no JSON object', 'Write {"datasets": [...]}.');
  }
  return value;
}

function unmark(value: unknown, file: string, depth: number): unknown {
  if (depth > MAX_CONFIG_DEPTH) {
    refuseConfig(file, `more than ${MAX_CONFIG_DEPTH} levels inside each other`, 'Make it flatter.');
  }
  if (typeof value === 'string') return value.startsWith('i') ? BigInt(value.slice(1)) : value.slice(1);
  if (Array.isArray(value)) return value.map((item) => unmark(item, file, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const table: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) table[key.slice(1)] = unmark(item, file, depth + 1);
  return table;
}
