// The process that runs the parsers: changes inputs, keeps those that reach something new. run.mjs watches over it.
// Usage: node child.mjs SETTINGS   or, for one input in a process of its own:   node child.mjs TARGET FILE
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { changeBytes, MAX_INPUT_BYTES } from './bytes.mjs';
import { Coverage } from './coverage.mjs';
import { execute, MEMORY_LIMIT_BYTES } from './execute.mjs';
import { Random } from './random.mjs';
import { loadTarget } from './targets/index.mjs';

/** Inputs between two looks at the counters. */
const AT_ONCE = 16;
const EXIT_MEMORY = 3;

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

class Fuzzer {
  #inputs = [];
  #seen = new Set();
  #executions = 0;
  #settings;
  #target;
  #random;
  #coverage;
  #state;

  constructor(settings, target) {
    this.#settings = settings;
    this.#target = target;
    this.#random = new Random(settings.seed);
    this.#coverage = new Coverage(new URL('../../dist/', import.meta.url).href);
    this.#state = openSync(path.join(settings.scratch, 'state'), 'w');
    for (const name of ['queue', 'findings'])
      mkdirSync(path.join(settings.folder, name), { recursive: true });
  }

  async run() {
    for (const folder of [this.#settings.corpus, path.join(this.#settings.folder, 'queue')]) {
      for (const name of readdirSync(folder)) await this.#learn(readFileSync(path.join(folder, name)), false);
    }
    while (Date.now() < this.#settings.until) {
      const inputs = Array.from({ length: AT_ONCE }, () => this.#change(this.#choose()));
      for (const input of inputs) await this.#execute(input);
      if (!this.#coverage.take(false)) continue;
      for (const input of inputs) await this.#learn(input, true);
    }
    this.#tell();
    closeSync(this.#state);
  }

  /** Later ones reached more, so that they are taken more often. */
  #choose() {
    const count = this.#inputs.length;
    return this.#inputs[Math.max(this.#random.below(count), this.#random.below(count))];
  }

  #change(input) {
    const context = { others: this.#inputs, words: this.#target.words };
    const changed = this.#random.chance(0.5) ? this.#target.structured(input, this.#random, context) : input;
    return changed === input || this.#random.chance(0.5)
      ? changeBytes(changed, this.#random, context)
      : changed;
  }

  /** Runs an input by itself and keeps it when it reaches something new. */
  async #learn(input, save) {
    await this.#execute(input);
    const isNew = this.#coverage.take(true);
    if (save && !isNew) return;
    this.#inputs.push(input.subarray(0, MAX_INPUT_BYTES));
    if (save) writeFileSync(path.join(this.#settings.folder, 'queue', hash(input)), input);
  }

  async #execute(input) {
    if (this.#executions % 1024 === 1) this.#tell();
    this.#executions++;
    writeSync(this.#state, `${this.#executions}\n`, 0);
    const wrong = await execute(this.#target, input, path.join(this.#settings.scratch, 'input'));
    if (wrong !== undefined) this.#report(input, wrong);
    if (process.resourceUsage().maxRSS * 1024 > MEMORY_LIMIT_BYTES) {
      this.#report(input, { kind: 'memory', message: `more than ${MEMORY_LIMIT_BYTES} bytes`, stack: '' });
      this.#tell();
      process.exit(EXIT_MEMORY);
    }
  }

  /** One file for each place that fails. */
  #report(input, wrong) {
    const place = wrong.stack.split('\n').find((line) => line.includes('/dist/')) ?? wrong.message;
    const name = `${wrong.kind}-${hash(Buffer.from(wrong.kind + place))}`;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    const file = path.join(this.#settings.folder, 'findings', name);
    writeFileSync(file, input);
    writeFileSync(`${file}.json`, `${JSON.stringify({ seed: this.#settings.seed, ...wrong }, null, 2)}\n`);
  }

  #tell() {
    const numbers = {
      executions: this.#executions,
      blocks: this.#coverage.blocks(),
      inputs: this.#inputs.length,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
    // renamed, so that nobody reads half of it
    const file = path.join(this.#settings.folder, 'numbers.json');
    writeFileSync(`${file}.new`, JSON.stringify(numbers));
    renameSync(`${file}.new`, file);
  }
}

const [first, file] = process.argv.slice(2);
if (file === undefined) {
  const settings = JSON.parse(first);
  await new Fuzzer(settings, await loadTarget(settings.target)).run();
} else {
  const scratch = mkdtempSync(path.join(tmpdir(), 'latent-cache-fuzz-'));
  const wrong = await execute(await loadTarget(first), readFileSync(file), path.join(scratch, 'input'));
  console.log(JSON.stringify({ wrong, peakBytes: process.resourceUsage().maxRSS * 1024 }));
  rmSync(scratch, { recursive: true });
}
