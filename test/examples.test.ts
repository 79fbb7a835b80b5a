import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, commandsOf, readPage, root } from './docs-blocks.js';
import { type Ended, run, useSandboxes } from './docs-sandbox.js';

const sandboxes = useSandboxes();
const example = (name: string) => path.join(root, 'examples', name);

describe('programs', () => {
  let folder = '';
  const node = (name: string, words: string): Promise<Ended> => run(`node ${example(name)} ${words}`, folder);
  beforeAll(async () => {
    folder = await sandboxes();
    await writeFile(path.join(folder, 'photos/torn.png'), 'no image');
  });

  it('build-cache.mjs counts what it did and names what failed', async () => {
    const { code, output } = await node('build-cache.mjs', 'photos sdxl_vae.safetensors');
    expect(code).toBe(2);
    expect(output).toContain('2 of 2');
    expect(output).toContain('torn.png [ERR_IMAGE_FORMAT]');
    expect(output).toContain('2 encoded, 0 skipped, 1 failed');
  });

  it('verify.mjs finds the caches of build-cache.mjs good', async () => {
    const { output } = await node('verify.mjs', 'photos');
    expect(output).toContain('2 of 2 caches are good');
  });

  it('encode-one-image.mjs takes the bucket and the latent size that sd-scripts takes', async () => {
    const { code, output } = await node('encode-one-image.mjs', 'photos/cat.jpg sdxl_vae.safetensors');
    expect(code).toBe(0);
    // of the 17 buckets of 512² the one nearest to 4:3; latents are an eighth of it, height first
    expect(output).toContain('1600x1200 → bucket 576x448');
    expect(output).toContain('latent (4, 56, 72)');
  });

  it('plan-for-a-card.mjs plans for a card that is not here, and says how it knows', async () => {
    const fresh = await sandboxes();
    const { code, output } = await run(
      `node ${example('plan-for-a-card.mjs')} photos sdxl_vae.safetensors rtx-4090`,
      fresh,
    );
    expect(code).toBe(0);
    expect(output).toContain('2 images on RTX 4090 24 GB; its memory is estimated');
  });

  it('typescript/failures-by-code.ts compiles strictly and counts by code', async () => {
    await copyFile(example('typescript/failures-by-code.ts'), path.join(folder, 'failures-by-code.ts'));
    await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    const types = `--types node --typeRoots ${path.join(root, 'node_modules/@types')} --skipLibCheck`;
    const options = `--strict --module nodenext --target es2022 ${types}`;
    expect(await run(`node ${tsc} failures-by-code.ts ${options}`, folder)).toEqual({ code: 0, output: '' });
    const { code, output } = await run('node failures-by-code.js photos sdxl_vae.safetensors', folder);
    expect([code, output]).toEqual([0, expect.stringContaining('1 × ERR_IMAGE_FORMAT')]);
  });
});

describe('examples/kohya', () => {
  it('gives build, plan and verify every option of the TOML that touches latents', () => {
    const toml = readFileSync(example('kohya/dataset.toml'), 'utf8');
    const given = Object.fromEntries(
      [...toml.matchAll(/^\s*(\w+) = "?([^"\n]+)"?$/gm)].map(([, key, value]) => [key, value]),
    );
    const { caption_extension, batch_size, num_repeats, image_dir, ...latents } = given;
    const flags = Object.entries(latents).map(([key, value]) => {
      const flag = `--${key.replaceAll('_', '-')}`;
      return value === 'true' ? flag : `${flag} ${value}`;
    });
    expect(flags.length).toBeGreaterThan(4);
    const commands = blocksOf('examples/kohya/README.md').flatMap(commandsOf);
    for (const name of ['plan', 'build', 'verify']) {
      const command = commands.find((each) => each.includes(`latent-cache ${name} ${image_dir} `));
      expect(flags.filter((flag) => !`${command} `.includes(` ${flag} `))).toEqual([]);
    }
  });
});

it('every example is listed', () => {
  const files = readdirSync(example('.'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(mjs|ts)$/.test(name),
  );
  expect(files.length).toBeGreaterThan(4);
  expect(files.filter((name) => !readPage('examples/README.md').includes(`](${name})`))).toEqual([]);
});
