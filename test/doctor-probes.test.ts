/** `doctor` with real child processes, on libraries that crash, hang, leave or lie (native/tests/doubles/machines). */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Probe } from '#dist/doctor/probe-messages.js';
import type { CheckId, CheckResult, DoctorReport } from '#dist/doctor/report.js';
import { probeInChild } from '#dist/doctor/run-probe.js';
import { useScratchFolder } from './build-helpers.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = path.join(root, 'bin', 'latent-cache.cjs');
const machine = (name: string) => path.join(root, 'build-doubles', 'doubles', 'machines', name);
const folder = useScratchFolder();

interface Ended {
  readonly code: number | null;
  readonly report: DoctorReport;
  readonly check: (id: CheckId) => CheckResult;
}

/** The command itself, where libraries of NVIDIA's names lie first on the loader's path and in the search. */
function doctor(libraries: string, ...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'doctor', '--json', ...args], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LD_LIBRARY_PATH: libraries,
      LATENT_CACHE_LIBRARY_DIR: libraries,
      XDG_CACHE_HOME: folder(),
    },
  });
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as DoctorReport;
  const check = (id: CheckId) => report.checks.find((candidate) => candidate.id === id)!;
  return { code: status, report, check };
}

describe('the command, where the CUDA runtime', () => {
  it.each([
    ['crash', /crashed when it was tried: its process was ended by SIGSEGV/],
    ['exit', /ended without an answer \(exit code 0\)/],
    ['rubbish', /answers nonsense: CUDA runtime version -559038737/],
  ])('does %s, reports it and says what a build would do', (name, summary) => {
    const { code, report, check } = doctor(machine(name));
    expect(code).toBe(3);
    expect(check('cuda-runtime').status).toBe('failed');
    expect(check('cuda-runtime').summary).toMatch(summary);
    expect(report.verdict.outcome).toBe('stops');
    expect(report.verdict.fixes.map(({ check: id }) => id)).toContain('cuda-runtime');
  });

  it('hangs, ends after the limit', () => {
    const { code, check } = doctor(machine('hang'), '--limit', '2');
    expect(code).toBe(3);
    expect(check('cuda-runtime').summary).toContain('did not answer within 2 s');
  });

  it('is newer than the driver, names the package for the driver', () => {
    const { code, check } = doctor(machine('old_driver'));
    expect(code).toBe(3);
    expect(check('cuda-runtime').status).toBe('failed');
    expect(check('cuda-runtime').remedy?.command).toContain('pip install "tensorrt-cu12');
  });

  it('works, shows the GPU and its memory, and where the library was found', () => {
    const { code, check } = doctor(machine('good'));
    expect(check('cuda-runtime')).toMatchObject({
      status: 'ok',
      summary: `CUDA 13.0 from ${machine('good')}/libcudart.so.13 (LATENT_CACHE_LIBRARY_DIR); the driver serves CUDA 13.1`,
    });
    expect(check('gpu').summary).toBe('A stand-in (cuda:0)');
    expect(check('vram').summary).toBe('20 GiB of 24 GiB free');
    // there is no TensorRT in that folder; whether the machine of the test has one is not for this test
    expect([0, 3]).toContain(code);
  });
});

it('changes nothing: the engine folder is not made', () => {
  doctor(machine('good'));
  expect(existsSync(path.join(folder(), 'latent-cache'))).toBe(false);
});

it('refuses a wrong option with exit code 1', () => {
  const { status } = spawnSync(process.execPath, [command, 'doctor', '--limit', '0']);
  expect(status).toBe(1);
});

describe('a probe', () => {
  const ask: Probe = (request) => probeInChild({ limitSeconds: 2 })(request);

  it.each([
    ['crash', { kind: 'crash', how: 'was ended by SIGSEGV' }],
    ['exit', { kind: 'crash', how: 'ended without an answer (exit code 0)' }],
    ['hang', { kind: 'hang', seconds: 2 }],
  ])('of a plug-in and of NVML survives a library that does %s', async (trap, outcome) => {
    const plugin = path.join(machine(`plugin_${trap}`), 'liblatent_cache_trt10.so');
    expect(await ask({ kind: 'plugin', libraryFolders: [], plugin })).toMatchObject(outcome);
    const libraryFolders = [machine(`nvml_${trap}`)];
    expect(await ask({ kind: 'nvml', libraryFolders })).toMatchObject(outcome);
  });

  it('keeps what a library prints, without control characters', async () => {
    const entry = path.join(folder(), 'child.mjs');
    writeFileSync(
      entry,
      "process.stdout.write('\\u001b[31mred\\n'); process.on('message', () => process.kill(process.pid, 'SIGSEGV'));",
    );
    const outcome = await probeInChild({ limitSeconds: 20, entry: new URL(`file://${entry}`) })({
      kind: 'addon',
    });
    expect(outcome).toEqual({ kind: 'crash', how: 'was ended by SIGSEGV', output: '[31mred' });
  });

  it('takes an answer of another shape for nonsense', async () => {
    const entry = path.join(folder(), 'child.mjs');
    writeFileSync(entry, "process.on('message', () => process.send({ kind: 'answer', value: [1, 2] }));");
    const search = { libraryFolders: [], device: 0 };
    const outcome = await probeInChild({ limitSeconds: 20, entry: new URL(`file://${entry}`) })({
      kind: 'cuda',
      ...search,
    });
    expect(outcome.kind).toBe('nonsense');
  });

  it('of a plug-in that is no library is told as an error', async () => {
    const plugin = path.join(folder(), 'liblatent_cache_trt10.so');
    writeFileSync(plugin, 'no library');
    const outcome = await ask({ kind: 'plugin', libraryFolders: [], plugin });
    expect(outcome).toMatchObject({ kind: 'error', error: { code: 'ERR_BACKEND_MISSING' } });
  });
});
