// Other processes on the card: our own code in a fresh one, and a program that takes memory.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'], ...options });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return { child, output, ended };
}

/** The JSON that a program of ours prints last. What breaks a rule of TensorRT's doubles is on stderr. */
export async function evaluate(code, env = {}) {
  const { child, ended } = start(process.execPath, ['--input-type=module', '--eval', code], {
    env: { ...process.env, ...env },
  });
  child.stdin.end();
  const { code: status, signal, stdout, stderr } = await ended;
  assert.ok(status === 0, `ended with ${status ?? signal}: ${stderr}${stdout}`);
  assert.ok(!stderr.includes('fake TensorRT'), stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

export function cli(args, env = {}) {
  const { child, output, ended } = start(process.execPath, ['bin/latent-cache.cjs', ...args], {
    env: { ...process.env, ...env },
  });
  child.stdin.end();
  return { child, output, ended };
}

const HOG = `
import ctypes, sys
cuda = ctypes.CDLL("libcudart.so.13")
held = ctypes.c_void_p()
for line in sys.stdin:
    if held.value: cuda.cudaFree(held)
    held = ctypes.c_void_p()
    bytes_wanted = int(line)
    code = 0
    if bytes_wanted > 0: code = cuda.cudaMalloc(ctypes.byref(held), ctypes.c_size_t(bytes_wanted))
    print(code, flush=True)
`;

/** A program that takes memory of the card and gives it back; needs python3, and libcudart where the loader looks. */
export class Hog {
  #process = start('python3', ['-c', HOG]);

  /** Frees what it holds and takes so many bytes. */
  async hold(bytes) {
    const before = this.#process.output.stdout.length;
    this.#process.child.stdin.write(`${Math.round(bytes)}\n`);
    while (this.#process.output.stdout.length === before) {
      assert.ok(this.#process.child.exitCode === null, this.#process.output.stderr);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return Number(this.#process.output.stdout.slice(before).trim());
  }

  async end() {
    this.#process.child.stdin.end();
    await this.#process.ended;
  }
}
