// Pages of docs/ that are made from the code in dist/.
// Usage: npm run docs [-- --check]   writes docs/cli.md and docs/api.md; --check only compares, exit code 1 when one differs
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { apiPage } from './api-page.mjs';
import { cliPage } from './cli-page.mjs';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const [name, make] of [
  ['cli.md', cliPage],
  ['api.md', apiPage],
]) {
  const file = path.join(docs, name);
  const page = await make();
  if (!values.check) writeFileSync(file, page);
  else if (readFileSync(file, 'utf8') !== page) {
    console.error(`docs/${name} is not what the code says: npm run docs`);
    process.exitCode = 1;
  }
}
