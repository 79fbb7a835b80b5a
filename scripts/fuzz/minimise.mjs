import { rmSync, writeFileSync } from 'node:fs';
import { runAlone } from './watch.mjs';

/** Processes that one minimisation may start. */
const MOST_TRIES = 600;

/**
 * The shortest input found, by leaving out ever smaller parts, that goes wrong in the same way.
 *
 * @param file where the tries are written; removed afterwards
 */
export async function minimise(target, bytes, file) {
  const judge = async (input) => {
    writeFileSync(file, input);
    return (await runAlone(target, file)).wrong;
  };
  const first = await judge(bytes);
  if (first === undefined) return undefined;
  let best = bytes;
  let tries = 0;
  for (let part = Math.ceil(bytes.length / 2); part >= 1 && tries < MOST_TRIES; part = Math.floor(part / 2)) {
    for (let at = 0; at < best.length && tries < MOST_TRIES; tries++) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + part)]);
      const wrong = await judge(shorter);
      if (wrong?.kind === first.kind && wrong.message === first.message) best = shorter;
      else at += part;
    }
  }
  rmSync(file);
  return { bytes: best, wrong: first };
}
