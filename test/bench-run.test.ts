import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BenchOptions, type BenchReport, runBench, validateReport } from '#dist/index.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { changed, exampleReport } from './bench-helpers.js';
import { useScratchFolder } from './build-helpers.js';

const command = fileURLToPath(new URL('../bin/latent-cache.cjs', import.meta.url));
const examples = ['rtx-3060', 'rtx-4090'].map((card) =>
  fileURLToPath(new URL(`../examples/bench/${card}.simulated.json`, import.meta.url)),
);
const scratch = useScratchFolder();
const inside = (name: string) => path.join(scratch(), name);
const before = process.env.TMPDIR;

beforeEach(async () => {
  await mkdir(inside('tmp'));
  process.env.TMPDIR = inside('tmp');
  await writeSeededVae(inside('vae.safetensors'), { seed: 1, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
});
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  delete process.env.LATENT_CACHE_SIM;
});

function bench(options: BenchOptions): Promise<BenchReport> {
  return runBench({ vae: inside('vae.safetensors'), quick: true, images: 2, repetitions: 3, ...options });
}

/** As a file would bring it. */
const readBack = (report: BenchReport) => validateReport(JSON.parse(JSON.stringify(report)));

describe('on a CPU', () => {
  it.each([
    ['onednn', 'onnxruntime'],
    ['onnxruntime', 'oneDNN'],
  ] as const)('%s is measured, and checked against %s', async (backend, reference) => {
    const report = readBack(await bench({ preset: 'sdxl-1024', backend, repetitions: 1 }));
    expect(report.simulated).toBe(false);
    expect(report.stages.encode.evidence).toBe('measured');
    expect(report.parity).toMatchObject({ status: 'passed', difference: { notFinite: 0 } });
    expect(report.parity.difference?.reference).toContain(reference);
    expect(report).toMatchObject({ gpu: null, bound: null, energy: null, memory: { deviceWide: null } });
  });

  it('keeps every sample, of every stage', async () => {
    const { stages } = await bench({ size: { width: 64, height: 64 }, backend: 'cpu' });
    const counts = Object.entries(stages).map(([stage, { samples }]) => [stage, samples.length]);
    expect(Object.fromEntries(counts)).toEqual({ decode: 6, resize: 6, encode: 3, write: 6, endToEnd: 3 });
  });

  it('leaves nothing behind', async () => {
    await bench({ size: { width: 64, height: 64 }, backend: 'cpu' });
    expect(await readdir(inside('tmp'))).toEqual([]);
  });
});

describe('on a simulated card', () => {
  it.each([
    'sim:rtx-3060',
    'sim:rtx-4090',
  ] as const)('%s, every figure of the device is labelled as simulated', async (backend) => {
    const report = readBack(await bench({ preset: 'sdxl-1024', backend }));
    const { stages, imagesPerSecond, memory, parity, warnings } = report;
    const figures = [
      stages.encode,
      stages.endToEnd,
      imagesPerSecond.encode,
      memory.budget,
      memory.planned,
      memory.deviceWide,
    ];
    expect(figures.map((figure) => figure?.evidence)).toEqual(figures.map(() => 'simulated'));
    expect([stages.decode, stages.resize, stages.write].map(({ evidence }) => evidence)).toEqual(
      Array(3).fill('measured'),
    );
    expect(parity.status).toBe('simulated');
    expect(warnings.map(({ code }) => code)).toContain('simulated');
  });

  it('has the pace that the published rates give', async () => {
    const { stages } = await bench({ preset: 'sdxl-1024', backend: 'sim:rtx-3060' });
    // 4.879 TFLOP at half of 25.5 TFLOP/s; waiting can only take longer
    expect(stages.encode.minimum).toBeGreaterThan(0.382);
  });

  it('writes down how it was set up', async () => {
    process.env.LATENT_CACHE_SIM = 'pace=0';
    const { work } = await bench({ size: { width: 64, height: 64 }, backend: 'sim:rtx-3060' });
    expect(work.simulation).toBe('pace=0');
  });

  it('fills several buckets', async () => {
    process.env.LATENT_CACHE_SIM = 'pace=0';
    const { work, sweep } = await bench({ preset: 'mixed-buckets', backend: 'sim:rtx-4090', images: 6 });
    expect(work.buckets.length).toBeGreaterThan(3);
    expect(work.buckets.reduce((sum, { images }) => sum + images, 0)).toBe(6);
    expect(sweep[0]?.buckets).toHaveLength(work.buckets.length);
  });
});

describe('other models', () => {
  const NARROW = { widths: [32, 32, 32, 32], blocksPerLevel: 1 } as const;
  const size = { width: 64, height: 64 };

  it.each([
    ['flux', 'kl16', 'sd-scripts', NARROW],
    ['flux2', 'flux2', 'safetensors', NARROW],
    ['qwen-image', 'qwen-image', 'safetensors', NARROW],
    ['anima', 'qwen-image', 'sd-scripts', NARROW],
    [
      'hunyuan-image',
      'hunyuan-image',
      'sd-scripts',
      { widths: [32, 32, 32, 64, 64, 128], blocksPerLevel: 1 },
    ],
    ['sdxl', 'tiny', 'sd-scripts', NARROW],
  ] as const)('%s with the VAE %s, in the files of %s', async (model, kind, format, narrow) => {
    const vae = inside('other.safetensors');
    await writeSeededVae(vae, { seed: 1, vae: kind, ...narrow });
    const report = readBack(await bench({ size, model, vae, backend: 'onednn', repetitions: 1 }));
    expect(report.work).toMatchObject({ model, format });
    expect(report.parity).toMatchObject({ status: 'passed', difference: { notFinite: 0 } });
  });

  it('the preset flux-1024 draws its own weights', async () => {
    process.env.LATENT_CACHE_SIM = 'pace=0';
    const report = await runBench({ preset: 'flux-1024', backend: 'sim:rtx-4090', quick: true, images: 1 });
    expect(report.work).toMatchObject({ model: 'flux', buckets: [{ width: 1024, height: 1024, images: 1 }] });
    expect(report.bound).not.toBeNull();
  });
});

describe('refused before any work:', () => {
  it.each([
    ['no work at all', {}],
    ['two works', { preset: 'sd-512', size: { width: 64, height: 64 } }],
    ['an unknown preset', { preset: 'flux-512' as 'sd-512' }],
    ['a preset with another model', { preset: 'flux-1024', model: 'sdxl' }],
    ['no images', { preset: 'sd-512', images: 0 }],
    ['a precision that the backend lacks', { preset: 'sd-512', backend: 'onnxruntime', precision: 'fp16' }],
  ] as const)('%s', async (_what, options) => {
    await expect(bench({ ...options, quick: true })).rejects.toMatchObject({ code: 'ERR_OPTION' });
    expect(await readdir(inside('tmp'))).toEqual([]);
  });

  it('an aborted signal', async () => {
    const signal = AbortSignal.abort();
    await expect(bench({ size: { width: 64, height: 64 }, signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
    expect(await readdir(inside('tmp'))).toEqual([]);
  });
});

async function latentCache(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

describe('the command', () => {
  it('writes a report that it reads again', async () => {
    const file = inside('report.json');
    const args = [
      '--size',
      '64',
      '--vae',
      inside('vae.safetensors'),
      '--backend',
      'cpu',
      '--quick',
      '--images',
      '2',
    ];
    const { code, stdout } = await latentCache('bench', ...args, '--output', file);
    expect(stdout).toContain('Parity: passed');
    expect(code).toBe(0);
    expect((await latentCache('bench', 'compare', file, file)).code).toBe(0);
  });

  it('compares the examples', async () => {
    const { code, stdout } = await latentCache('bench', 'compare', ...examples);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Share of its own bound +[\d.]+ % simulated +[\d.]+ % simulated/);
  });

  it('refuses a doctored pair and says why', async () => {
    const doctored = changed(await exampleReport('rtx-4090'), {
      work: { precision: 'fp32', pixels: 'a'.repeat(64) },
    });
    await writeFile(inside('doctored.json'), JSON.stringify(doctored));
    const { code, stdout, stderr } = await latentCache(
      'bench',
      'compare',
      examples[0]!,
      inside('doctored.json'),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('ERR_COMPARE');
    expect(stderr).toMatch(/work\.pixels: "[0-9a-f]{64}" \/ "a{64}"\n +work\.precision: "fp16" \/ "fp32"/);
  });

  it('refuses a speed that was written by hand', async () => {
    const doctored = changed(await exampleReport('rtx-4090'), { imagesPerSecond: { encode: { value: 99 } } });
    await writeFile(inside('doctored.json'), JSON.stringify(doctored));
    const { code, stderr } = await latentCache('bench', 'compare', examples[0]!, inside('doctored.json'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/imagesPerSecond\.encode is 99.*ERR_REPORT/);
  });
});

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const browser = BROWSERS.find((file) => existsSync(file));
const BROWSER_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

describe.skipIf(browser === undefined)('a browser (needs Chromium)', () => {
  it.each([
    ['light', [], ['#1f6fb5', '#c2570c']],
    ['dark', ['--force-dark-mode'], ['#6cb2f2', '#f2a35e']],
  ] as const)('shows the page in %s, with bars in the colours of both devices', async (mode, flags, colours) => {
    const page = inside('compare.html');
    await latentCache('bench', 'compare', ...examples, '--format', 'html', '--output', page);
    await mkdir('test-results', { recursive: true });
    const picture = path.resolve('test-results', `bench-compare-${mode}.png`);
    const args = [
      `--user-data-dir=${inside('profile')}`,
      `--screenshot=${picture}`,
      '--window-size=1120,2600',
    ];
    const child = spawn(browser!, [...BROWSER_FLAGS, ...flags, ...args, `file://${page}`], {
      stdio: 'ignore',
    });
    await new Promise((resolve) => child.on('close', resolve));
    const { data, info } = await sharp(await readFile(picture))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([1120, 2600]);
    for (const colour of colours) expect(countPixels(data, colour)).toBeGreaterThan(2000);
  });
});

function countPixels(data: Buffer, colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
  }
  return count;
}
