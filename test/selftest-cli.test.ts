/** The command line of the self-test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import type { SelftestReport } from '#dist/index.js';
import { useScratchFolder } from './build-helpers.js';

const command = fileURLToPath(new URL('../bin/latent-cache.cjs', import.meta.url));
const folder = useScratchFolder();
const hasOnednn = findPlugins(['liblatent_cache_onednn.so']).length > 0;
const label = hasOnednn ? '' : ' (there is no oneDNN plug-in)';

/** Runs it with a home and a temporary folder of its own; `onStderr` may end it. */
async function selftest(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
) {
  const child = spawn(process.execPath, [command, 'selftest', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: path.join(folder(), 'home of anna'), TMPDIR: folder(), ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr(stderr, (signal) => child.kill(signal));
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('latent-cache selftest', () => {
  it.skipIf(!hasOnednn)(`passes on the processor and prints the report as JSON${label}`, async () => {
    const { code, stdout, stderr } = await selftest(['--device', 'cpu', '--quick', '--json']);
    const report = JSON.parse(stdout) as SelftestReport;
    expect(report).toMatchObject({ format: 1, verdict: 'pass', failed: 0, mode: 'quick', device: 'cpu' });
    expect(report.environment.runtime).toMatch(/^oneDNN/);
    expect(code).toBe(0);
    expect(stderr).toMatch(/PASS: \d+ checks passed/);
    expect(await readdir(folder())).toEqual([]);
  });

  it('prints one short block without paths, and a code that is not success for a simulated GPU', async () => {
    const { code, stdout } = await selftest(['--device', 'sim:rtx-3060'], { LATENT_CACHE_SIM: 'pace=0' });
    expect(code).toBe(3);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect([lines[0], lines.at(-1)]).toEqual(['```text', '```']);
    expect(lines.at(-2)).toMatch(/^SIMULATED: /);
    expect(stdout).not.toContain('anna');
    expect(stdout).not.toMatch(/(^|[\s'"(])\/\w/m);
  });

  it('exits with 2 and says what to do first when something failed', async () => {
    const env = { LATENT_CACHE_SIM: 'pace=0 leak=1' };
    const { code, stdout } = await selftest(['--device', 'sim:rtx-3060', '--quick'], env);
    expect(code).toBe(2);
    expect(stdout).toContain('FAIL memory.returns');
    expect(stdout).toContain('FAIL: 1 of');
    expect(stdout).toContain('Report this block');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s with 130 and leaves no folder', async (signal) => {
    let isSent = false;
    const { code, stdout } = await selftest(['--device', 'cpu'], {}, (stderr, kill) => {
      if (isSent || !stderr.includes('pass open')) return;
      isSent = true; // a second one would end it at once
      kill(signal);
    });
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(await readdir(folder())).toEqual([]);
  });

  it.each([
    ['--quick and --full together', ['--quick', '--full']],
    ['a device that is none', ['--device', 'rtx']],
    ['no time at all', ['--minutes', '0']],
  ])('refuses %s', async (_, args) => {
    expect((await selftest(args)).code).toBe(1);
  });
});
