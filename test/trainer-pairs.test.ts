/** Caches that the command line writes, judged by a reader in Python that knows the format note alone: `verify:pairs`, in part. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const python = process.env.PYTHON ?? '/usr/bin/python3';
const hasNumpy = spawnSync(python, ['-c', 'import numpy']).status === 0;

interface Row {
  readonly trainer: string;
  readonly model: string;
  readonly variant: string;
  readonly files: number;
  readonly faults: readonly string[];
}

describe.skipIf(!hasNumpy)('an independent reader accepts every file of', () => {
  let rows: Row[] = [];
  beforeAll(() => {
    const script = fileURLToPath(new URL('../scripts/verify/pairs.mjs', import.meta.url));
    // Faults are told by exit code 1 and in the rows.
    const { stdout, stderr } = spawnSync(process.execPath, [script, '--lean', '--json'], {
      encoding: 'utf8',
    });
    if (!stdout.startsWith('[')) throw new Error(stderr);
    rows = JSON.parse(stdout);
  }, 300_000);

  it.each([
    ['sd-scripts', 'sdxl', 'flip, mask'],
    ['sd-scripts', 'sd', 'legacy name'],
    ['sd-scripts', 'flux', 'flip, mask'],
    ['sd-scripts', 'hunyuan-image', 'flip, mask'],
    ['musubi', 'z-image', 'flip, mask'],
    ['musubi', 'flux2', 'flip, mask'],
    ['musubi', 'qwen-image', 'flip, mask'],
    ['ai-toolkit', 'sdxl', 'flip, mask'],
    ['ai-toolkit', 'flux', 'flip, mask'],
    ['ai-toolkit', 'z-image', 'flip, mask'],
    ['ai-toolkit', 'flux2', 'flip, mask'],
    ['ai-toolkit', 'qwen-image', 'flip, mask'],
    ['safetensors', 'sdxl', 'flip, mask'],
    ['safetensors', 'flux2', 'flip, mask'],
  ])('%s, %s (%s)', (trainer, model, variant) => {
    const found = rows.find(
      (row) => row.trainer === trainer && row.model === model && row.variant === variant,
    );
    expect(found).toMatchObject({ faults: [] });
    expect(found!.files).toBeGreaterThanOrEqual(6);
  });
});

describe.skipIf(!hasNumpy)('the reader', () => {
  it('is written from the note: it imports nothing of ours and no library but numpy', () => {
    const program = `
import ast, pathlib, sys
folder = pathlib.Path(sys.argv[1])
files = [folder / 'read_caches.py', *(folder / 'pairs').glob('*.py')]
own = {file.stem for file in files}
for file in files:
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.split('.')[0]
            if top not in own and top not in sys.stdlib_module_names: print(top)
`;
    const folder = fileURLToPath(new URL('../scripts/verify/', import.meta.url));
    const imports = execFileSync(python, ['-c', program, folder], { encoding: 'utf8' });
    expect([...new Set(imports.trim().split('\n'))]).toEqual(['numpy']);
  });
});
