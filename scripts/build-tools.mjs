// What a source build needs, and how to get it.
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Debian's and Ubuntu's packages that have it all. */
export const COMPILER_PACKAGES = ['g++', 'make', 'cmake'];

/** Is there such a command on the PATH? */
export function isCommand(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.filter(Boolean).some((folder) => existsSync(path.join(folder, name)));
}

/** What is missing, in words; none when a build can start. CXX may name a compiler. */
export function missingTools() {
  const missing = [];
  const compilers = [process.env.CXX?.split(' ')[0], 'c++', 'g++', 'clang++'];
  if (!compilers.some((name) => name && (path.isAbsolute(name) ? existsSync(name) : isCommand(name))))
    missing.push('a C++20 compiler');
  if (!isCommand('cmake')) missing.push('cmake');
  if (!['make', 'ninja'].some(isCommand)) missing.push('make');
  return missing;
}

/** One sentence for who lacks them. */
export function howToGet(missing) {
  const [last, ...others] = [...missing].reverse();
  const list = others.length === 0 ? last : `${others.reverse().join(', ')} and ${last}`;
  return (
    `latent-cache: to compile the native part, install ${list} ` +
    `(Debian and Ubuntu: sudo apt-get install -y ${COMPILER_PACKAGES.join(' ')}), then run the same command again.`
  );
}
