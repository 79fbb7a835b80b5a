/** What the pages for users hold: fenced blocks, commands in them, code within the text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const readPage = (page: string): string => readFileSync(path.join(root, page), 'utf8');

/** Paths below the root. */
export const PAGES: readonly string[] = [
  ...['README.md', 'CHANGELOG.md'].filter((name) => existsSync(path.join(root, name))),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(folder, name)),
  ),
].sort();

export interface Block {
  /** 'sh'; '' when the page does not say. */
  readonly language: string;
  /** Of its first line; from 1. */
  readonly line: number;
  readonly text: string;
}

/** Fenced blocks; those in lists lose their indentation. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { indent: string; language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readPage(page).split('\n').entries()) {
    const fence = /^(\s*)```(\w*)\s*$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { indent: fence[1]!, language: fence[2]!, line: index + 2, lines: [] };
    } else if (fence !== null) {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
    }
  }
  return blocks;
}

/** The commands of a block, one a line where no backslash goes on; comments are left out. */
export function commandsOf({ text }: Block): string[] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** `code` within the text of a page, in one line each. */
export function inlineCode(page: string): string[] {
  const text = readPage(page).replaceAll(/^(\s*)```[\s\S]*?^\s*```/gm, '');
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!.replaceAll(/\s+/g, ' '));
}
