import type { Comparison } from './compare-reports.js';
import { type Cell, columnNames, sectionsOf, workLine } from './comparison-rows.js';

export function comparisonMarkdown(comparison: Comparison): string {
  const names = columnNames(comparison).map(escapeMarkdown);
  const lines = [`# ${names.join(' and ')}`, '', escapeMarkdown(workLine(comparison))];
  for (const { title, rows } of sectionsOf(comparison)) {
    lines.push(
      '',
      ...table(
        [title, ...names, 'second / first'],
        rows.map((row) => [row.label, cellText(row.a), cellText(row.b), row.ratio]),
      ),
    );
  }
  const facts = comparison.facts.map(({ label, a, b }) => [label, escapeMarkdown(a), escapeMarkdown(b)]);
  lines.push('', ...table(['Circumstances', ...names], facts));
  if (comparison.notes.length > 0) {
    lines.push('', 'Notes:', '', ...comparison.notes.map((note) => `* ${escapeMarkdown(note)}`));
  }
  return `${lines.join('\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function cellText({ text, evidence }: Cell): string {
  return evidence === null ? text : `${text} (${evidence})`;
}

/** Texts of reports are anybody's. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#!~&]/g, '\\$&');
}
