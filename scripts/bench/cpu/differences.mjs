import { readFile } from 'node:fs/promises';

async function floats(file) {
  return new Float32Array(Uint8Array.from(await readFile(file)).buffer);
}

/** Of two files of float32 values: `{ max, rmse, deviation }`, the last being the standard deviation of the right one. */
export async function compareMeans(file, reference) {
  const [a, b] = await Promise.all([floats(file), floats(reference)]);
  if (a.length !== b.length) throw new Error(`${file} has ${a.length} values, ${reference} ${b.length}`);
  const mean = b.reduce((sum, value) => sum + value, 0) / b.length;
  let max = 0;
  let squares = 0;
  let variance = 0;
  for (const [i, value] of b.entries()) {
    const difference = Math.abs(a[i] - value);
    max = Math.max(max, difference);
    squares += difference ** 2;
    variance += (value - mean) ** 2;
  }
  return { max, rmse: Math.sqrt(squares / b.length), deviation: Math.sqrt(variance / b.length) };
}
