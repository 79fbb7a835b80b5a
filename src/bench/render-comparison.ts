import type { Comparison } from './compare-reports.js';
import { comparisonHtml } from './comparison-html.js';
import { comparisonMarkdown } from './comparison-markdown.js';
import { comparisonText } from './comparison-text.js';

export const COMPARISON_FORMATS = ['table', 'markdown', 'html'] as const;
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];

/** What the name of a file asks for. */
export function formatOfFile(file = ''): ComparisonFormat {
  if (/\.html?$/i.test(file)) return 'html';
  return /\.md$/i.test(file) ? 'markdown' : 'table';
}

/** @throws LatentCacheError (as rejection) ERR_OPTION for 'html' where Vega is not installed */
export async function renderComparison(comparison: Comparison, format: ComparisonFormat): Promise<string> {
  switch (format) {
    case 'table':
      return comparisonText(comparison);
    case 'markdown':
      return comparisonMarkdown(comparison);
    case 'html':
      return comparisonHtml(comparison);
  }
}
