/** Which options the commands and scripts of this project take. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '#dist/cli/main.js';
import { root } from './docs-blocks.js';

const packageScripts = (
  JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;

/** '--name' of '--name' and '--name=value'. */
const optionNames = (words: readonly string[]) =>
  words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]!);

const optionsOf = (command: Command) => ['--help', ...command.options.map(({ long }) => long ?? '')];

/** What is wrong with the words behind `latent-cache`; nothing, when its parser knows them all. */
export function faultsOfCommand(words: readonly string[]): string[] {
  let command = createProgram();
  let rest = words;
  while (command.commands.length > 0) {
    const next = command.commands.find((child) => child.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest = rest.slice(1);
  }
  if (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-'))
    return [`no command ${rest[0]}`];
  const known = optionsOf(command);
  return optionNames(rest).filter((option) => !known.includes(option));
}

/** What is wrong with the words behind `npm run`: the script, or options that its `parseArgs` does not name. */
export function faultsOfScript([name = '', ...words]: readonly string[]): string[] {
  const script = packageScripts[name];
  if (script === undefined) return [`no script ${name}`];
  const options = optionNames(words).filter((word) => word !== '--');
  if (options.length === 0) return [];
  const file = /node (\S+\.mjs)/.exec(script)?.[1];
  if (file === undefined) return [`${name} takes no options`];
  const source = readFileSync(path.join(root, file), 'utf8');
  return options.filter(
    (option) => !new RegExp(`['"]?\\b${option.slice(2)}['"]?: \\{\\s*type:`).test(source),
  );
}
