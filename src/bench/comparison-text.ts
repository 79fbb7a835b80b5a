import type { Comparison } from './compare-reports.js';
import { type Cell, columnNames, sectionsOf, workLine } from './comparison-rows.js';

/** For a terminal. */
export function comparisonText(comparison: Comparison): string {
  const [left, right] = columnNames(comparison);
  const sections = sectionsOf(comparison).map(({ title, rows }) => ({
    title,
    rows: rows.map((row) => [row.label, cellText(row.a), cellText(row.b), row.ratio]),
  }));
  const facts = comparison.facts.map(({ label, a, b }) => `  ${label}: ${a === b ? a : `${a} / ${b}`}`);
  const head = ['', left, right, 'second / first'];
  const widths = head.map((name, column) =>
    Math.max(name.length, ...sections.flatMap(({ rows }) => rows.map((row) => row[column]!.length))),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd();
  return `${[
    workLine(comparison),
    '',
    line(head),
    ...sections.flatMap(({ title, rows }) => [title, ...rows.map(line)]),
    '',
    'Circumstances (first / second)',
    ...facts,
    ...(comparison.notes.length === 0 ? [] : ['', 'Notes', ...comparison.notes.map((note) => `  ${note}`)]),
  ].join('\n')}\n`;
}

function cellText({ text, evidence }: Cell): string {
  return evidence === null ? text : `${text} ${evidence}`;
}
