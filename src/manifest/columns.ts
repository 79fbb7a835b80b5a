/**
 * How rows are read. libsql ends the whole process for text that is not UTF-8, names of columns included, and a damaged
 * file may hold any bytes anywhere: all text of a row is read as one blob, and everything else as what it must be.
 */
import { isUtf8 } from 'node:buffer';
import type { Value } from './rows.js';

export interface Column {
  readonly name: string;
  readonly type: 'text' | 'integer';
  readonly nullable: boolean;
}

/** `name:type` or `name:type?`, one after the other. */
export function columns(text: string): Column[] {
  return text.split(' ').map((word) => {
    const [name, type] = word.replace('?', '').split(':');
    return { name: name!, type: type as Column['type'], nullable: word.endsWith('?') };
  });
}

/** What stands after SELECT. */
export function selectList(list: readonly Column[]): string {
  const texts = list.filter(({ type }) => type === 'text').map(({ name }) => `coalesce('=' || ${name}, '')`);
  const others = list.filter(({ type }) => type !== 'text');
  return [
    `CAST(${texts.join(' || char(0) || ')} AS BLOB) AS texts`,
    ...others.map(({ name, type }) => `CAST(${name} AS ${type}) AS ${name}`),
  ].join(', ');
}

/**
 * The values of a row that `selectList` chose, in the order of the columns.
 *
 * @throws RangeError for what was never written
 */
export function rowValues(list: readonly Column[], row: readonly (Value | Uint8Array)[]): Value[] {
  const [blob, ...others] = row;
  if (!(blob instanceof Uint8Array) || !isUtf8(blob)) throw new RangeError('text that is no UTF-8');
  const texts = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('utf8').split('\0');
  if (texts.length + others.length !== list.length) throw new RangeError('text with a zero in it');
  let [nextText, nextOther] = [0, 0];
  return list.map(({ name, type, nullable }) => {
    const value = type === 'text' ? toText(texts[nextText++]!) : (others[nextOther++] as Value);
    if (value === null && !nullable) throw new RangeError(`${name} is missing`);
    return value;
  });
}

function toText(marked: string): string | null {
  return marked === '' ? null : marked.slice(1);
}
