/** `scripts/verify/export-graph.mjs` writes the networks of the GPU backend as models that any ONNX tool opens. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOnednnEncoder } from '#dist/encoder/onednn/create-encoder.js';
import { loadVae } from '#dist/model/load-vae.js';
import { scratchFolder } from './encoder-helpers.js';

const script = fileURLToPath(new URL('../scripts/verify/export-graph.mjs', import.meta.url));
const scratch = scratchFolder();
const WIDTH = 64;
const HEIGHT = 48;

interface Index {
  readonly graphs: readonly {
    readonly precision: string;
    readonly model: string;
    readonly allowTf32: boolean;
  }[];
  readonly images: readonly { readonly kind: string; readonly file: string }[];
}

describe('the exported networks', { timeout: 60_000 }, () => {
  let index: Index;
  const graphOf = (precision: string) => index.graphs.find((graph) => graph.precision === precision)!;

  beforeAll(() => {
    const choice = ['--sizes', `${WIDTH}x${HEIGHT}`, '--overflow-sizes', '', '--images', 'noise'];
    const small = ['--precisions', 'fp32,tf32,bf16', '--widths', '32,64,64,64'];
    const { status, stderr } = spawnSync(
      process.execPath,
      [script, '--out', scratch('.'), ...choice, ...small],
      {
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    index = JSON.parse(readFileSync(scratch('index.json'), 'utf8'));
  }, 60_000);

  it('are one for each precision', () => {
    expect(index.graphs.map(({ precision }) => precision)).toEqual(['fp32', 'tf32', 'bf16']);
  });

  it('may use tf32 only where it is asked for', () => {
    expect(index.graphs.map(({ allowTf32 }) => allowTf32)).toEqual([false, true, false]);
  });

  it('give with their own weights what the CPU backend gives for the same file', async () => {
    const pixels = readFileSync(scratch(index.images[0]!.file));
    const session = await InferenceSession.create(scratch(graphOf('fp32').model));
    const { moments } = await session.run({ pixels: new Tensor('uint8', pixels, [1, HEIGHT, WIDTH, 3]) });
    await session.release();
    const encoder = await createOnednnEncoder(
      await loadVae(scratch('seeded.safetensors'), { model: 'sdxl' }),
      {
        precision: 'fp32',
      },
    );
    const { mean } = await encoder.encodeBatch({ images: [pixels], width: WIDTH, height: HEIGHT });
    await encoder.dispose();
    const got = (moments!.data as Float32Array).subarray(0, mean.length);
    const largest = Math.max(...mean.map((value, i) => Math.abs(value - got[i]!)));
    expect(largest).toBeLessThan(5e-5);
  });
});
