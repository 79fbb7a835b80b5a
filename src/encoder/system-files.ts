import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Small files by which Linux tells about itself, below /proc and /sys. */
export interface SystemFiles {
  /** undefined when the file is not there or not for us to read. */
  read(file: string): string | undefined;
  /** Names in a folder; none when it is not there. */
  list(folder: string): readonly string[];
}

/** @param root a test puts a tree of its own there. */
export function systemFiles(root = '/'): SystemFiles {
  return {
    read: (file) => attempt(() => readFileSync(path.join(root, file), 'utf8')),
    list: (folder) => attempt(() => readdirSync(path.join(root, folder))) ?? [],
  };
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
