import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EngineCache } from '#dist/index.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage, useScratchFolder } from './build-helpers.js';

const command = fileURLToPath(new URL('../bin/latent-cache.cjs', import.meta.url));
const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; `during` sees its output so far each time some arrives. */
async function latentCache(
  args: readonly string[],
  during: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    during(stdout, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

/** A small VAE and some images; the arguments that cache them. */
async function dataSet(images = 2): Promise<string[]> {
  await writeSeededVae(inside('vae.safetensors'), { seed: 1, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  for (let index = 0; index < images; index++) await drawImage(inside(`image${index}.png`), 160, 128 + index);
  return ['build', folder(), '--vae', inside('vae.safetensors'), '--model', 'sdxl', '--resolution', '128'];
}

describe('a device that is lost', () => {
  it('is opened again in a new process, as long as that gets further', async () => {
    const args = [...(await dataSet(9)), '--backend', 'sim:rtx-3060', '--allow-simulated'];
    // the fifth run is the device's last, in each process
    const { code, stderr } = await latentCache([...args, '--vae-batch-size', '1'], undefined, {
      LATENT_CACHE_SIM: 'pace=0 lose_at_submit=5',
    });
    expect(stderr.match(/going on in a new process/g)).toHaveLength(2);
    expect(code).toBe(0);
    expect((await readdir(folder())).filter((name) => name.endsWith('.npz'))).toHaveLength(9);
  });

  it('before anything was done ends the command', async () => {
    const args = [...(await dataSet(2)), '--backend', 'sim:rtx-3060', '--allow-simulated'];
    const { code, stdout, stderr } = await latentCache(args, undefined, {
      LATENT_CACHE_SIM: 'pace=0 lose_at_submit=1',
    });
    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toContain('[ERR_DEVICE_LOST]');
  });
});

describe('exit codes', () => {
  it('0: everything was done', async () => {
    const { code, stdout, stderr } = await latentCache(await dataSet());
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Done: 2 encoded, 0 skipped, 0 failed');
  });

  it('2: some images failed, each with path, code and remedy', async () => {
    const args = await dataSet();
    await writeFile(inside('bad.png'), 'no image');
    const { code, stdout } = await latentCache(args);
    expect(code).toBe(2);
    expect(stdout).toContain(`${inside('bad.png')} [ERR_IMAGE_FORMAT]`);
    expect(stdout).toContain('convert the file');
  });

  it('1: nothing could run, with one clear error and no stack', async () => {
    await drawImage(inside('a.png'), 128, 128);
    const { code, stderr } = await latentCache([
      'build',
      folder(),
      '--vae',
      inside('none.safetensors'),
      '--model',
      'sdxl',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^latent-cache: .*none\.safetensors.* \[ERR_MODEL_FILE\]\n/);
    expect(stderr).not.toContain('    at ');
  });

  it('1: an option that does not exist', async () => {
    const { code, stderr } = await latentCache([...(await dataSet(1)), '--no-such-option']);
    expect(code).toBe(1);
    expect(stderr).toContain("unknown option '--no-such-option'");
  });

  it('130: Ctrl-C finishes the batch in flight and says what is left', async () => {
    const args = await dataSet(120);
    let sent = false;
    const { code, stdout } = await latentCache([...args, '--log-format', 'json'], (soFar, kill) => {
      if (!sent && soFar.includes('"encoded","path"')) kill('SIGINT');
      sent ||= soFar.includes('"encoded","path"');
    });
    const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as { encoded: number; remaining: number };
    expect(code).toBe(130);
    expect(summary.remaining).toBeGreaterThan(0);
    expect((await readdir(folder())).filter((name) => name.endsWith('.npz')).length).toBe(summary.encoded);
  });
});

describe('output', () => {
  it('is one JSON object a line with --log-format json', async () => {
    const { stdout } = await latentCache([...(await dataSet()), '--log-format', 'json']);
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(new Set(types)).toEqual(
      new Set(['survey', 'plan', 'encoder', 'batches', 'encoded', 'progress', 'summary']),
    );
    expect(types.at(-1)).toBe('summary');
  });

  it('goes to the report as well', async () => {
    await latentCache([...(await dataSet()), '--report', inside('report.json')]);
    const report = JSON.parse(await readFile(inside('report.json'), 'utf8')) as {
      summary: { encoded: number };
    };
    expect(report.summary.encoded).toBe(2);
  });

  it('documents every option of build with its default', async () => {
    const { stdout } = await latentCache(['build', '--help']);
    const options = stdout.split(/\n(?= {2}-)/).slice(1);
    expect(options.length).toBeGreaterThan(25);
    const undocumented = options.filter(
      (text) =>
        !/default|--help|--vae <file>|--model <model>|--no-enable-bucket|--suffix/.test(
          text.replace(/\s+/g, ' '),
        ),
    );
    expect(undocumented).toEqual([]);
  });
});

describe('options of the GPU', () => {
  it.each([
    ['--vram-budget', '0%', '100 %'],
    ['--vram-budget', '110%', '100 %'],
    ['--vram-budget', 'much', 'Expected a size'],
    ['--device', 'one', 'whole number'],
    ['--precision', 'fp8', 'fp16'],
    ['--attention-chunks', '0', 'attention_chunks'],
    ['--engine-dir', '', 'engineDir'],
  ])('%s %s is refused with what it takes', async (option, value, expected) => {
    const { code, stderr } = await latentCache([...(await dataSet(0)), option, value]);
    expect(code).toBe(1);
    expect(stderr).toContain(expected);
  });

  it.each([['8GiB'], ['75%'], ['auto'], ['1073741824']])('--vram-budget takes %s', async (value) => {
    const { code } = await latentCache([...(await dataSet(1)), '--vram-budget', value, '--dry-run']);
    expect(code).toBe(0);
  });
});

describe('engines', () => {
  it('are listed and cleared', async () => {
    const cache = await EngineCache.open({ folder: inside('engines') });
    const shape = { count: 1, height: 64, width: 64 };
    const shapes = { minimum: shape, optimum: shape, maximum: shape };
    const texts = { description: '64x64, fp16', device: 'RTX 3060', runtime: 'TensorRT 10.14.1' };
    const record = { ...shapes, ...texts, weightBytes: null, memory: [], exponents: null, buildSeconds: 1 };
    await cache.store('a'.repeat(64), record, new Uint8Array(4096));
    const list = () => latentCache(['engines', 'list', '--engine-dir', inside('engines')]);
    const listed = await list();
    for (const part of [...Object.values(texts), '8.0 KiB', '1 engine'])
      expect(listed.stdout).toContain(part);
    const cleared = await latentCache(['engines', 'clear', '--engine-dir', inside('engines')]);
    expect(cleared).toMatchObject({ code: 0, stdout: expect.stringContaining('Removed 1 engine') });
    expect((await list()).stdout).toContain('0 engines');
  });

  it('are not read from a folder that others may write to', async () => {
    await chmod(folder(), 0o777);
    const { code, stderr } = await latentCache(['engines', 'list', '--engine-dir', folder()]);
    expect(code).toBe(1);
    expect(stderr).toContain('chmod go-w');
  });
});

describe('verify', () => {
  const cached = async () => {
    await latentCache(await dataSet());
    return (await readdir(folder())).filter((name) => name.endsWith('.npz')).map(inside);
  };

  it('0: clean, with one JSON object a line', async () => {
    const files = await cached();
    const { code, stdout } = await latentCache(['verify', folder(), '--json', '--read-data']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(0);
    expect(lines.slice(0, -1)).toEqual(
      files.map((path) => ({ type: 'ok', path, ours: true, dataRead: true })),
    );
    expect(lines.at(-1)).toMatchObject({ type: 'summary', files: 2, problems: 0 });
  });

  it('2: problems found, each with path, code and remedy', async () => {
    const [file] = await cached();
    await writeFile(file!, 'no npz');
    const { code, stdout } = await latentCache(['verify', folder()]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/image0_\S+npz: .*\[ERR_CACHE_CORRUPT\] \(not made by latent-cache\)\n {2}\S/);
  });

  it('3: problems found, and all repaired', async () => {
    await cached();
    await drawImage(inside('image0.png'), 192, 128);
    const { code, stdout } = await latentCache(['verify', folder(), '--repair']);
    expect(code).toBe(3);
    expect(stdout).toContain('1 problems: 1 ERR_CACHE_STALE; 1 repaired');
  });

  it('1: nothing could be checked', async () => {
    for (const args of [[inside('none')], [folder(), '--vae', 'x'], [folder()]]) {
      const { code, stderr } = await latentCache(['verify', ...args]);
      expect([code, stderr.includes('[ERR_')]).toEqual([1, true]);
    }
  });

  it('2: made with another VAE than the one given, and left', async () => {
    const [file] = await cached();
    const other = { seed: 2, widths: [32, 32, 32, 32], blocksPerLevel: 1 };
    await writeSeededVae(inside('other.safetensors'), other);
    const vae = (name: string) =>
      latentCache(['verify', folder(), '--repair', '--model', 'sdxl', '--vae', inside(name)]);
    expect((await vae('vae.safetensors')).code).toBe(0);
    const { code, stdout } = await vae('other.safetensors');
    expect([code, stdout.includes('ERR_CACHE_OUTDATED')]).toEqual([2, true]);
    expect(await readFile(file!)).toBeTruthy();
  });
});

describe('a run', () => {
  it("leaves nothing in the user's home: onnxruntime's telemetry is off", async () => {
    const args = await dataSet(1);
    const home = await mkdtemp(path.join(tmpdir(), 'latent-cache-home-'));
    const { code } = await latentCache(args, undefined, { HOME: home });
    expect([code, await readdir(home)]).toEqual([0, []]);
    await rm(home, { recursive: true });
  });

  it('ends without a crash when nobody reads its output any more', async () => {
    const args = [...(await dataSet(60)), '--log-format', 'json'];
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.stdout.destroy());
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBeNull();
  });
});

describe('output that is lost', () => {
  const intoFullDevice = async (args: readonly string[]) => {
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', full.fd, 'pipe'] });
    const stderr = text(child.stderr!);
    const [code] = (await once(child, 'close')) as [number | null];
    await full.close();
    return { code, stderr: await stderr };
  };

  it('makes 2 of an exit code of 0, and is told of once', async () => {
    const { code, stderr } = await intoFullDevice([...(await dataSet()), '--log-format', 'json']);
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/cannot write the output: .*ENOSPC/)]);
    expect((await readdir(folder())).filter((name) => name.endsWith('.npz'))).toHaveLength(2);
  });

  it('leaves another exit code as it is', async () => {
    const { code } = await intoFullDevice(['build', folder(), '--vae', inside('none'), '--model', 'sdxl']);
    expect(code).toBe(1);
  });

  it('is no failure when the reader of a pipe has gone', async () => {
    const child = spawn(process.execPath, [command, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect([code, signal]).toEqual([0, null]);
  });
});

describe('demo', () => {
  it('caches its images, reads them back, and says that its weights are random', async () => {
    const { code, stdout } = await latentCache(['demo', '--dir', inside('demo')]);
    expect(code).toBe(0);
    expect(stdout).toContain('RANDOM');
    expect((await readdir(inside('demo/images'))).filter((name) => name.endsWith('_sdxl.npz')).length).toBe(
      5,
    );
  });
});
