/** The folder of compiled engines. They hold machine code, so that nobody else may be able to put one there. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { writeError } from '../../cache/atomic-file.js';
import { LatentCacheError } from '../../errors.js';
import { userCacheFolder } from '../user-cache-folder.js';

/** `$XDG_CACHE_HOME/latent-cache/engines`, with `~/.cache` where that is not set. */
export function defaultEngineFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return path.join(userCacheFolder(env), 'engines');
}

/**
 * Makes the folder, for its owner alone, or checks the one that is there.
 *
 * @throws LatentCacheError ERR_OPTION when it belongs to somebody else or others may write to it,
 * ERR_OUTPUT_NOT_WRITABLE, ERR_DISK_FULL, ERR_CACHE_WRITE.
 */
export async function openEngineFolder(folder: string): Promise<void> {
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    await mkdir(path.dirname(folder), { recursive: true });
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    info = await stat(folder);
  } catch (cause) {
    throw writeError(folder, cause);
  }
  if (!info.isDirectory()) throw refused(folder, 'is no folder');
  if (info.uid !== process.getuid?.()) throw refused(folder, 'belongs to another user');
  if ((info.mode & 0o022) !== 0) throw refused(folder, 'can be written by other users');
}

function refused(folder: string, reason: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_OPTION',
    `The engine folder ${folder} ${reason}; engines hold machine code, and are loaded only from a private folder`,
    {
      path: folder,
      remedy: `Run "chmod go-w '${folder}'" if you trust what is in it, or choose another --engine-dir.`,
    },
  );
}
