// What a compiled file asks of the machine that loads it.
import { execFileSync } from 'node:child_process';

/** Of glibc and of the compiler: every Linux with glibc that runs Node has them. */
const EVERYWHERE = /^(lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s)\.so\.\d+|ld-linux.*|linux-vdso.*)$/;

export const isEverywhere = (library) => EVERYWHERE.test(library);

/**
 * @returns `needed`: the libraries it names itself; `searchPath`: where it looks for them first, undefined when it does not
 *   say; `versions`: what it asks of them, 'GLIBC_2.28'
 */
export function describeLibrary(file) {
  const text = execFileSync('objdump', ['-p', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return {
    needed: [...text.matchAll(/^ +NEEDED +(\S+)/gm)].map(([, name]) => name),
    searchPath: /^ +R(?:UN)?PATH +(\S*)/m.exec(text)?.[1],
    versions: [...text.matchAll(/^ +0x[0-9a-f]+ 0x[0-9a-f]+ \d+ (\S+)$/gm)].map(([, version]) => version),
  };
}
