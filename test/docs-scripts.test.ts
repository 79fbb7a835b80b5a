import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { PAGES, readPage, root } from './docs-blocks.js';

const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };
const python = process.env.PYTHON ?? '/usr/bin/python3';
const hasNumpy = spawnSync(python, ['-c', 'import numpy']).status === 0;

/** Measuring scripts end with 0 here on the smallest task that they take; the documents name larger ones. */
describe('scripts of the documents', () => {
  const ends = (name: string, ...options: string[]) =>
    spawnSync('npm', ['run', '--silent', name, '--', ...options], { cwd: root, encoding: 'utf8' });

  it.each([
    ['bench:rescan', '--images', '20'],
    ['stress:encoder', '--rounds', '1'],
    ['stress:kill', '--kills', '1', '--images', '2'],
    ['fuzz', '--target', 'npy', '--minutes', '0.01'],
  ])('%s runs', (name, ...options) => {
    const { status, stdout, stderr } = ends(name, ...options);
    expect({ status, said: status === 0 || `${stdout}${stderr}` }).toEqual({ status: 0, said: true });
  });

  it.skipIf(!hasNumpy)('verify:numpy runs', () => {
    expect(ends('verify:numpy')).toMatchObject({ status: 0 });
  });

  it('are named in some page', () => {
    const pages = PAGES.map(readPage).join('\n');
    const measuring = Object.keys(scripts).filter((name) => /^(bench|stress|verify):/.test(name));
    expect(measuring.length).toBeGreaterThan(10);
    expect(measuring.filter((name) => !pages.includes(`npm run ${name}`))).toEqual([]);
  });
});
