import type { Size } from './bucket.js';

export function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** `1024x768`: for people, and as a key. */
export function sizeName({ width, height }: Size): string {
  return `${width}x${height}`;
}
