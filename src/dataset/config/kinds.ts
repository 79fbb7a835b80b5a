/** What the values of the trainers' options may be: the types of their voluptuous schemas, to the letter. */
import type { Size } from '../bucket.js';
import { isPathText, isTable } from './values.js';

export interface Kind<T = unknown> {
  readonly expected: string;
  /** The value, or undefined for one of another kind. */
  read(value: unknown): T | undefined;
}

/** Python's bool is an int, so that `true` passes for 1. */
function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : undefined;
}

function list<T>(value: unknown, item: Kind<T>, length?: number): T[] | undefined {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) return undefined;
  const items = value.map((entry) => item.read(entry));
  return items.some((entry) => entry === undefined) ? undefined : (items as T[]);
}

export const BOOLEAN: Kind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};
export const INTEGER: Kind<number> = { expected: 'a whole number', read: wholeNumber };
/** 1 is not enough: it must be written 1.0. */
export const FLOAT: Kind<number> = {
  expected: 'a number with a decimal point',
  read: (value) => (typeof value === 'number' ? value : undefined),
};
export const NUMBER: Kind<number> = {
  expected: 'a number',
  read: (value) => FLOAT.read(value) ?? wholeNumber(value),
};
export const STRING: Kind<string> = {
  expected: 'a text',
  read: (value) => (typeof value === 'string' ? value : undefined),
};
export const PATH: Kind<string> = {
  expected: 'a path',
  read: (value) => (isPathText(value) ? value : undefined),
};
export const TABLE: Kind<object> = {
  expected: 'a table',
  read: (value) => (isTable(value) ? value : undefined),
};
export const LIST: Kind<readonly unknown[]> = {
  expected: 'a list',
  read: (value) => (Array.isArray(value) ? value : undefined),
};
export const INTEGERS: Kind<readonly number[]> = {
  expected: 'a list of whole numbers',
  read: (value) => list(value, INTEGER),
};
export const TWO_FLOATS: Kind<readonly number[]> = {
  expected: 'a list of two numbers with a decimal point',
  read: (value) => list(value, FLOAT, 2),
};
export const SIZE: Kind<Size> = {
  expected: 'a whole number or a list of two',
  read: (value) => {
    const side = wholeNumber(value);
    const [width, height] = side === undefined ? (list(value, INTEGER, 2) ?? []) : [side, side];
    return width === undefined || height === undefined ? undefined : { width, height };
  },
};
