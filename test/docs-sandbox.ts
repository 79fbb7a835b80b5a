/** Folders in which the commands of the documents run as they stand there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage } from './build-helpers.js';
import { blocksOf, root } from './docs-blocks.js';

const newFolder = () => mkdtemp(path.join(tmpdir(), 'latent-cache-docs-'));

/** Gives new folders as the documents assume them; they are removed after the last test. */
export function useSandboxes(): () => Promise<string> {
  const folders: string[] = [];
  beforeAll(async () => {
    folders.push(await makeTemplate());
  });
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });
  return async () => {
    const folder = await newFolder();
    folders.push(folder);
    await cp(folders[0]!, folder, { recursive: true, verbatimSymlinks: true });
    return folder;
  };
}

/** A small VAE under the names of the documents, two photos, README's description of them, and `npx latent-cache` for this checkout's command. */
async function makeTemplate(): Promise<string> {
  const folder = await newFolder();
  const small = { seed: 1, widths: [32, 32, 32, 32], blocksPerLevel: 1 };
  await writeSeededVae(path.join(folder, 'sdxl_base.safetensors'), { ...small, layout: 'checkpoint' });
  await writeSeededVae(path.join(folder, 'sdxl_vae.safetensors'), small);
  await mkdir(path.join(folder, 'photos'));
  await drawImage(path.join(folder, 'photos/cat.jpg'), 1600, 1200);
  await drawImage(path.join(folder, 'photos/dog.png'), 600, 800);
  const { text } = blocksOf('README.md').find(({ language }) => language === 'toml')!;
  await writeFile(path.join(folder, 'dataset.toml'), text);
  await mkdir(path.join(folder, 'bin'));
  await writeFile(path.join(folder, 'bin/npx'), '#!/bin/sh\nexec "$@"\n');
  await chmod(path.join(folder, 'bin/npx'), 0o755);
  await symlink(path.join(root, 'bin/latent-cache.cjs'), path.join(folder, 'bin/latent-cache'));
  await symlink(path.join(root, 'examples'), path.join(folder, 'examples'));
  await mkdir(path.join(folder, 'node_modules'));
  await symlink(root, path.join(folder, 'node_modules/latent-cache'));
  return folder;
}

/** How a command ended, and all that it printed. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command in a folder, on the CPU, with a home of its own. */
export async function run(command: string, folder: string): Promise<Ended> {
  const child = spawn('bash', ['-c', command], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
      HOME: folder,
      CUDA_VISIBLE_DEVICES: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
