import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../../bin/latent-cache.cjs', import.meta.url));
const COUNTER = new URL('count-encodes.mjs', import.meta.url).href;
/** A run that takes longer hangs. */
const LIMIT_MS = 120_000;

/**
 * Runs `latent-cache build`.
 *
 * @param environment added to that of this process
 * @param onStart gets the process, for those who want to end it
 * @returns how it ended, its events, and the image passes that the encoder had finished (two an image with flip)
 */
export async function runBuild(folder, vae, { options, environment = {}, onStart } = {}) {
  const encodes = `${folder}.encodes`;
  rmSync(encodes, { force: true });
  const child = spawn(
    process.execPath,
    ['--import', COUNTER, COMMAND, 'build', folder, '--vae', vae, ...options],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGABRT',
      // io_uring would get past a shim of the C library
      env: { ...process.env, UV_USE_IO_URING: '0', LC_STRESS_ENCODES: encodes, ...environment },
    },
  );
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  onStart?.(child);
  const [code, signal] = await once(child, 'close');
  const events = output.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  return { code, signal, events, stderr: output.stderr, passes: readPasses(encodes) };
}

function readPasses(file) {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}
