import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '#dist/cli/main.js';
import * as library from '#dist/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = (name: string) => readFile(new URL(`../docs/${name}`, import.meta.url), 'utf8');

describe('generated pages', () => {
  it('are what the code says now', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/docs/generate.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('have an entry for everything that can be imported', async () => {
    const text = await page('api.md');
    expect(Object.keys(library).filter((name) => !text.includes(`\n### ${name}\n`))).toEqual([]);
  });

  it('have a section for every command', async () => {
    const text = await page('cli.md');
    const names = createProgram().commands.map((command) => command.name());
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !text.includes(`\n## latent-cache ${name}\n`))).toEqual([]);
  });
});
