// Fuzzes one parser. Usage: npm run fuzz -- --target NAME [--minutes N] [--seed S]
//   --replay FILE      runs one input and says how it ends
//   --minimise FILE    writes the shortest input that ends in the same way to FILE.min
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { minimise } from './minimise.mjs';
import { TARGETS } from './targets/index.mjs';
import { fuzz, runAlone } from './watch.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    minimise: { type: 'string' },
  },
});
const { target } = values;
if (!TARGETS.includes(target)) {
  console.error(`--target is one of ${TARGETS.join(', ')}`);
  process.exit(1);
}
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const describe = ({ executions, blocks, inputs, peakBytes }) =>
  `${executions} executions, ${blocks} blocks, ${inputs} inputs kept, peak ${mebibytes(peakBytes)}`;

if (values.replay !== undefined) {
  const { wrong, peakBytes } = await runAlone(target, values.replay);
  console.log(
    wrong === undefined ? 'fine' : `${wrong.kind}: ${wrong.message}\n${wrong.stack}`,
    mebibytes(peakBytes),
  );
  process.exitCode = wrong === undefined ? 0 : 1;
} else if (values.minimise !== undefined) {
  const result = await minimise(target, readFileSync(values.minimise), `${values.minimise}.try`);
  if (result !== undefined) writeFileSync(`${values.minimise}.min`, result.bytes);
  console.log(
    result === undefined
      ? 'this input ends well'
      : `${result.wrong.kind}: ${result.bytes.length} bytes are left`,
  );
} else {
  const folder = path.join(root, 'fuzz-results', target);
  mkdirSync(folder, { recursive: true });
  const settings = {
    target,
    folder,
    corpus: path.join(root, 'test', 'fuzz', 'corpus', target),
    seed: Number(values.seed),
    until: Date.now() + Number(values.minutes) * 60_000,
  };
  const total = await fuzz(settings, (numbers) => console.log(`${target}: ${describe(numbers)}`));
  const findings = readdirSync(path.join(folder, 'findings')).filter((name) => !name.endsWith('.json'));
  console.log(
    `${target}, ${values.minutes} minutes, seed ${values.seed}: ${describe(total)}, ${findings.length} findings`,
  );
  for (const name of findings) console.log(`  ${path.relative(root, path.join(folder, 'findings', name))}`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
