import { InvalidArgumentError } from 'commander';

export function parseSize(text: string): { width: number; height: number } {
  const sides = text.split(',').map((side) => parseCount(side.trim()));
  if (sides.length > 2)
    throw new InvalidArgumentError('Expected a side or width,height, e.g. 1024 or 832,1216.');
  return { width: sides[0]!, height: sides[1] ?? sides[0]! };
}

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}
