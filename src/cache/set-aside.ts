import { access, rename, unlink } from 'node:fs/promises';
import { systemErrorCode } from '../errors.js';
import { writeError } from './atomic-file.js';

/**
 * Takes a stale file out of the trainer's sight: one of ours is deleted, any other is renamed to `{name}.stale`,
 * which no trainer reads and nothing is lost by.
 */
export async function setAside(
  file: string,
  isOurs: (file: string) => Promise<boolean>,
): Promise<'deleted' | 'renamed' | 'gone'> {
  try {
    if (await isOurs(file)) {
      await unlink(file);
      return 'deleted';
    }
    await rename(file, await freeName(`${file}.stale`));
    return 'renamed';
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return 'gone'; // another process was quicker
    throw writeError(file, cause);
  }
}

/** The name itself, or with a number after it where it is taken. */
export async function freeName(wanted: string): Promise<string> {
  const taken = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  let name = wanted;
  for (let count = 1; await taken(name); count++) name = `${wanted}.${count}`;
  return name;
}
