/** Which options the commands and scripts of this project take. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '#dist/cli/main.js';
import { readPage, root } from './docs-blocks.js';

const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };

/** '--name' of '--name' and '--name=value'. */
const optionNames = (words: readonly string[]) =>
  words.filter((word) => /^--\w/.test(word)).map((word) => word.split('=')[0]!);

const optionsOf = (command: Command) => ['--help', ...command.options.map(({ long }) => long ?? '')];

/** Whether the file that the script starts names the option in its `parseArgs`. */
function takesOption(script: string, option: string): boolean {
  const file = /node (\S+\.mjs)/.exec(script)?.[1];
  return (
    file !== undefined && new RegExp(`['"]?\\b${option.slice(2)}['"]?: \\{\\s*type:`).test(readPage(file))
  );
}

/** What is wrong with the words behind `latent-cache`; nothing, when its parser knows them all. */
export function faultsOfCommand(words: readonly string[]): string[] {
  let command = createProgram();
  let rest = words;
  while (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const next = command.commands.find((child) => child.name() === rest[0]);
    if (next === undefined) return [`no command ${rest[0]}`];
    command = next;
    rest = rest.slice(1);
  }
  const known = optionsOf(command);
  return optionNames(rest).filter((option) => !known.includes(option));
}

/** What is wrong with the words behind `npm run`: the script, or options that it does not take. */
export function faultsOfScript([name = '', ...words]: readonly string[]): string[] {
  const script = scripts[name];
  if (script === undefined) return [`no script ${name}`];
  return optionNames(words).filter((option) => !takesOption(script, option));
}

/** What is wrong with the words behind `npm test`: filters that no test's name contains. */
export function faultsOfTest(words: readonly string[]): string[] {
  const tests = readdirSync(path.join(root, 'test')).filter((name) => name.endsWith('.test.ts'));
  return words.filter((word) => word !== '--' && !tests.some((name) => name.includes(word)));
}

/** Whether any command or script of this project takes the option. */
export function isOption(option: string): boolean {
  const all = (command: Command): string[] => [...optionsOf(command), ...command.commands.flatMap(all)];
  const name = option.split('=')[0]!;
  return (
    all(createProgram()).includes(name) || Object.values(scripts).some((script) => takesOption(script, name))
  );
}
