/** Takes paths out of texts that people publish. */
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
/** A path of two parts at least; what ends it is what sentences put behind one. */
const PATHS = /(?<![\w.…/])\/(?:[^\s/'"<>|:,;()]+\/)+([^\s/'"<>|:,;()]*)/g;

/** Of each absolute path, the last part is left. */
export function withoutPaths(text: string): string {
  const known = [packageRoot, process.cwd(), tmpdir(), homedir()].filter((folder) => folder.length > 1);
  const folders = [...new Set(known)].sort((a, b) => b.length - a.length);
  return folders.reduce(shorten, text).replace(PATHS, '…/$1');
}

/** Below a folder that is known, names may have spaces: rather a word too many goes than one too few. */
function shorten(text: string, folder: string): string {
  return text
    .split(folder)
    .map((rest, index) => (index === 0 ? rest : `…${rest.replace(/^\/(?:[^'":\n]*\/)?/, '/')}`))
    .join('');
}
