import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Block, blocksOf, commandsOf, inlineCode, PAGES, readPage } from './docs-blocks.js';
import { faultsOfCommand, faultsOfScript, faultsOfTest, isOption } from './docs-known.js';
import { run, useSandboxes } from './docs-sandbox.js';

/** Commands that are not run, why, and what is looked at instead: faults, or none. */
const NOT_RUN: readonly {
  readonly command: RegExp;
  readonly because: string;
  readonly faults: (words: readonly string[]) => readonly string[];
}[] = [
  {
    command: /^(\w+=\S+ )?npm ci( && npm (run )?\w+)?$/,
    because: 'it sets up this very checkout, which the tests run in',
    faults: (words) => {
      const script = words.at(-1)!;
      return script === 'ci' ? [] : faultsOfScript([script]);
    },
  },
  {
    command: /^npm install -g (\.|latent-cache)$/,
    because: "it would change the machine's own packages",
    faults: () => [],
  },
  {
    command: /^npm explore (-g )?latent-cache -- npm run /,
    because: 'it compiles the checkout that the tests run in; package.test.ts runs it on an installed copy',
    faults: (words) => faultsOfScript(words.slice(words.indexOf('run') + 1)),
  },
  {
    command: /^npm pack --ignore-scripts$/,
    because: 'it packs this checkout; package.test.ts packs a copy',
    faults: () => [],
  },
  {
    command: /^npm run /,
    because: 'it measures for minutes or hours',
    faults: (words) => faultsOfScript(words.slice(2)),
  },
  {
    command: /^(npx )?latent-cache (selftest|bench)\b/,
    because: 'it computes for minutes with networks of full size; their own tests run them on small ones',
    faults: (words) => faultsOfCommand(words.slice(words.indexOf('latent-cache') + 1)),
  },
  {
    command: /^nvidia-smi$/,
    because: 'it belongs to the driver',
    faults: () => [],
  },
  {
    command: /^(python3 -m venv venv|\. venv\/bin\/activate)$/,
    because: "it makes the reader's own Python environment",
    faults: () => [],
  },
  {
    command: /^pip install /,
    because: 'it loads gigabytes',
    faults: (words) =>
      words.slice(2).filter((word) => !/^"?tensorrt(-cu1[23])?(>=10\.14,<11)?"?$/.test(word)),
  },
  {
    command: /^sudo apt-get install -y /,
    because: 'it changes the machine',
    faults: (words) => words.slice(4).filter((word) => !/^lib(nvinfer|nvonnxparsers|dnnl)-dev$/.test(word)),
  },
  {
    command: /^git clone /,
    because: 'it needs the network',
    faults: (words) =>
      words.filter((word) => word.includes('://') && !word.startsWith('https://github.com/NVIDIA/')),
  },
  {
    command: /^accelerate launch /,
    because: 'it needs sd-scripts and a GPU',
    // sd-scripts' own documentation names these; the launcher has one of its own.
    faults: (words) => words.filter((word) => word.startsWith('--') && !SD_SCRIPTS_OPTIONS.includes(word)),
  },
];

const SD_SCRIPTS_OPTIONS = [
  '--num_cpu_threads_per_process',
  '--dataset_config',
  '--pretrained_model_name_or_path',
  '--network_module',
  '--network_dim',
  '--learning_rate',
  '--max_train_steps',
  '--mixed_precision',
  '--no_half_vae',
  '--gradient_checkpointing',
  '--sdpa',
  '--cache_latents',
  '--cache_latents_to_disk',
  '--output_dir',
  '--output_name',
];

/** `doctor` says with its exit code what it found of this machine: nothing to do, something, or an unused GPU. */
const exitCodesOf = (command: string) => (/^latent-cache doctor\b/.test(command) ? [0, 2, 3] : [0]);

/** A word for each blank, quotes aside. */
const wordsOf = (command: string) => command.match(/"[^"]*"|\S+/g) ?? [];

const sandboxes = useSandboxes();

const runnable = (block: Block) => block.language === 'sh' || block.language === 'js';
const documented = PAGES.filter((page) => blocksOf(page).some(runnable));

describe.each(documented)('%s', (page) => {
  let folder = '';
  beforeAll(async () => {
    folder = await sandboxes();
  });

  for (const block of blocksOf(page)) {
    if (block.language === 'js') {
      it(`program in line ${block.line}`, async () => {
        const program = path.join(folder, `line${block.line}.mjs`);
        await writeFile(program, block.text);
        expect(await run(`node ${program}`, folder)).toMatchObject({ code: 0 });
      });
    }
    if (block.language !== 'sh') continue;
    for (const command of commandsOf(block)) {
      it(command, async () => {
        const exception = NOT_RUN.find((each) => each.command.test(command));
        if (exception !== undefined) {
          expect(exception.faults(wordsOf(command))).toEqual([]);
          return;
        }
        const { code, output } = await run(command, folder);
        expect(exitCodesOf(command), output).toContain(code);
      });
    }
  }
});

describe('what README says of its commands', () => {
  it('is so: the cache has the name that it names, and a second run has nothing to do', async () => {
    const folder = await sandboxes();
    const build = blocksOf('README.md')
      .filter(({ language }) => language === 'sh')
      .flatMap(commandsOf)
      .find((command) => command.includes(' build '))!;
    await run(build, folder);
    const name = /appears `photos\/([^`]+)`/.exec(readPage('README.md'))![1];
    expect(await readdir(path.join(folder, 'photos'))).toContain(name);
    expect((await run(build, folder)).output).toContain('0 to encode, 2 complete');
  });
});

describe.each(PAGES)('%s', (page) => {
  it('says of every block what it is', () => {
    const known = ['sh', 'js', 'text', 'toml', ...(page === 'docs/api.md' ? ['ts'] : [])];
    const unknown = blocksOf(page).filter(({ language }) => !known.includes(language));
    expect(unknown).toEqual([]);
  });

  it('has no placeholder in a block that can be typed', () => {
    const typed = blocksOf(page).filter(runnable);
    expect(typed.flatMap(({ text }) => text.match(/….*|<\w[\w-]*>/g) ?? [])).toEqual([]);
  });

  it('names only commands, scripts and options that exist', () => {
    const faults = inlineCode(page).flatMap((code) => {
      const words = wordsOf(code.replace(/^npx /, ''));
      if (words[0] === 'latent-cache') return faultsOfCommand(words.slice(1));
      if (words[0] === 'npm' && words[1] === 'run') return faultsOfScript(words.slice(2));
      if (words[0] === 'npm' && words[1] === 'test') return faultsOfTest(words.slice(2));
      // sd-scripts' have underscores; those of other programs are not named on their own
      return words.filter((word) => /^--[a-z]/.test(word) && !word.includes('_') && !isOption(word));
    });
    expect(faults).toEqual([]);
  });

  it('links to pages that are there', async () => {
    const targets = [...readPage(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([\w-]+))?\)/g)];
    const headings = (name: string) =>
      [...readPage(name).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
    const broken = targets.filter(([, file, anchor]) => {
      const name = file === '' ? page : path.join(path.dirname(page), file!);
      try {
        return anchor !== undefined && !headings(name).includes(anchor);
      } catch {
        return true;
      }
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});
