/** Checks of single option values. */
import { LatentCacheError } from '../errors.js';

export function integer(name: string, value: number, minimum: number, maximum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
  return refuse(`${name} must be a whole number from ${minimum} to ${maximum}, got ${value}`);
}

export function optionalInteger(
  name: string,
  value: number | undefined,
  maximum: number,
): number | undefined {
  return value === undefined ? undefined : integer(name, value, 1, maximum);
}

export function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  return found ?? refuse(`${name} must be ${allowed.join(' or ')}, got '${value}'`);
}

/** @throws LatentCacheError `ERR_OPTION` */
export function refuse(message: string, remedy?: string): never {
  throw new LatentCacheError('ERR_OPTION', message, { remedy });
}
