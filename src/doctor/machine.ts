/** What can be read about this machine without loading a library. A test puts another machine in its place. */
import { accessSync, constants, realpathSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { type SystemFiles, systemFiles } from '../encoder/system-files.js';

export interface FileLook {
  readonly kind: 'file' | 'folder' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
}

export interface Machine extends SystemFiles {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly architecture: string;
  /** '20.9.0' */
  readonly nodeVersion: string;
  readonly workingFolder: string;
  readonly homeFolder: string;
  readonly userId: number | undefined;
  /** That the scheduler may put this process on. */
  readonly processors: number;
  /** Through links; undefined when it is not there. */
  look(file: string): FileLook | undefined;
  mayUse(file: string, how: 'read' | 'write'): boolean;
  /** undefined when it is not there. */
  realPath(file: string): string | undefined;
  /** Bytes that this user may still write; undefined when the file system does not tell. */
  freeBytes(folder: string): number | undefined;
}

export function thisMachine(): Machine {
  return {
    ...systemFiles(),
    env: process.env,
    platform: process.platform,
    architecture: process.arch,
    nodeVersion: process.versions.node,
    workingFolder: process.cwd(),
    homeFolder: homedir(),
    userId: process.getuid?.(),
    processors: availableParallelism(),
    look(file) {
      const info = attempt(() => statSync(file));
      if (info === undefined) return undefined;
      const kind = info.isDirectory() ? 'folder' : info.isFile() ? 'file' : 'other';
      return { kind, mode: info.mode & 0o7777, userId: info.uid, groupId: info.gid };
    },
    mayUse: (file, how) =>
      attempt(() => {
        accessSync(file, how === 'read' ? constants.R_OK : constants.W_OK);
        return true;
      }) ?? false,
    realPath: (file) => attempt(() => realpathSync(file)),
    freeBytes: (folder) =>
      attempt(() => {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize;
      }),
  };
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
