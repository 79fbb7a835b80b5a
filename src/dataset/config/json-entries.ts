/**
 * The entries of a list of images, one after the other: captions of a million images are never in memory as values, and a
 * hostile file costs no more than its bytes.
 */
import { refuseConfig } from './findings.js';
import { MAX_ENTRY_BYTES, MAX_LIST_BYTES } from './limits.js';
import { readTextBytes } from './read-bytes.js';
import { type ConfigTable, isTable, shorten } from './values.js';

export interface JsonLine {
  /** From 1. */
  readonly line: number;
  readonly value: ConfigTable;
}

export type JsonMember = readonly [key: string, value: ConfigTable];

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const opens = (byte: number) => byte === OPEN_BRACE || byte === OPEN_BRACKET;
const closes = (byte: number) => byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Lines of JSON (`.jsonl`), each an object. */
export async function readJsonLines(file: string): Promise<Iterable<JsonLine>> {
  return jsonLines(await readTextBytes(file, MAX_LIST_BYTES), file);
}

/** The members of a file's one JSON object, each an object of its own. */
export async function readJsonMembers(file: string): Promise<Iterable<JsonMember>> {
  return jsonMembers(await readTextBytes(file, MAX_LIST_BYTES), file);
}

function* jsonLines(bytes: Buffer, file: string): Generator<JsonLine> {
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    line++;
    yield { line, value: parseEntry(bytes.subarray(start, end), file, () => `line ${line}`) };
    start = end + 1;
  }
}

function* jsonMembers(bytes: Buffer, file: string): Generator<JsonMember> {
  const scan = new Scan(bytes, file);
  scan.expect(OPEN_BRACE, '{');
  if (!scan.take(CLOSE_BRACE)) {
    do {
      const key = scan.key();
      scan.expect(COLON, ':');
      yield [key, parseEntry(scan.value(), file, () => `'${shorten(key)}'`)];
    } while (scan.take(COMMA));
    scan.expect(CLOSE_BRACE, ', or }');
  }
  scan.end();
}

function parseEntry(bytes: Buffer, file: string, what: () => string): ConfigTable {
  if (bytes.length > MAX_ENTRY_BYTES) {
    refuseConfig(
      file,
      `${what()} has more than ${MAX_ENTRY_BYTES} bytes`,
      'Check that it is the right file.',
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    refuseConfig(
      file,
      `${what()} is no valid JSON: ${shorten((cause as Error).message)}`,
      'Correct the file.',
      cause,
    );
  }
  if (!isTable(value)) {
    refuseConfig(file, `${what()} is not a JSON object`, 'Write what belongs to the image between { and }.');
  }
  return value;
}

/** Finds where things begin and end. What a value is made of, JSON.parse judges. */
class Scan {
  private at = 0;
  private readonly bytes: Buffer;
  private readonly file: string;

  constructor(bytes: Buffer, file: string) {
    this.bytes = bytes;
    this.file = file;
  }

  take(byte: number): boolean {
    this.skipSpace();
    if (this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  expect(byte: number, text: string): void {
    if (!this.take(byte)) this.refuse(`${text} is missing`);
  }

  key(): string {
    this.skipSpace();
    if (this.bytes[this.at] !== QUOTE) this.refuse('a name between " is missing');
    const start = this.at;
    this.skipString();
    if (this.at - start > MAX_ENTRY_BYTES) this.refuse('the name is too long');
    try {
      return JSON.parse(this.bytes.toString('utf8', start, this.at));
    } catch {
      return this.refuse('the name is no valid JSON text');
    }
  }

  value(): Buffer {
    this.skipSpace();
    const start = this.at;
    let depth = 0;
    while (this.at < this.bytes.length) {
      const byte = this.bytes[this.at]!;
      if (byte === QUOTE) {
        this.skipString();
        continue;
      }
      if (depth === 0 && (byte === COMMA || closes(byte))) break;
      this.at++;
      if (opens(byte)) depth++;
      else if (closes(byte) && --depth === 0) break;
    }
    return this.bytes.subarray(start, this.at);
  }

  end(): void {
    this.skipSpace();
    if (this.at < this.bytes.length) this.refuse('nothing may follow the last }');
  }

  private skipSpace(): void {
    while (isSpace(this.bytes[this.at])) this.at++;
  }

  private skipString(): void {
    for (this.at++; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at];
      if (byte === BACKSLASH) this.at++;
      else if (byte === QUOTE) {
        this.at++;
        return;
      }
    }
    this.refuse('a text has no end');
  }

  private refuse(message: string): never {
    let line = 1;
    const end = Math.min(this.at, this.bytes.length);
    for (let at = this.bytes.indexOf(0x0a); at !== -1 && at < end; at = this.bytes.indexOf(0x0a, at + 1))
      line++;
    refuseConfig(this.file, `line ${line}: no valid JSON: ${message}`, 'Correct the file.');
  }
}
