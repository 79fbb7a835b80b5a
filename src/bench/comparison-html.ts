/** One page that needs nothing else: styles and plots are inside, nothing is fetched, no script runs. */
import type { Comparison } from './compare-reports.js';
import { type Cell, columnNames, type Row, sectionsOf, workLine } from './comparison-rows.js';
import { drawPlots, type Plot } from './plots.js';
import type { Evidence } from './report.js';

/** @throws LatentCacheError ERR_OPTION where Vega is not installed */
export async function comparisonHtml(comparison: Comparison): Promise<string> {
  const names = columnNames(comparison);
  const title = `${names[0]} and ${names[1]}`;
  const plots = await drawPlots(comparison);
  const [speed, ...others] = sectionsOf(comparison);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}: latent-cache bench</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1><span class="first">${escapeHtml(names[0])}</span> <small>and</small> <span class="second">${escapeHtml(names[1])}</span></h1>
<p>${escapeHtml(workLine(comparison))}</p>
${comparison.simulated ? SIMULATED : ''}
<p class="legend">${LEGEND}</p>
</header>
${table(speed!.title, names, speed!.rows)}
<section class="plots" aria-label="Plots">
${plots.map(figure).join('\n')}
</section>
${others.map((section) => table(section.title, names, section.rows)).join('\n')}
<section>
<h2>Circumstances</h2>
<div class="scroll"><table>
${head('', names, false)}
<tbody>
${comparison.facts.map(({ label, a, b }) => `<tr><th scope="row">${label}</th><td>${escapeHtml(a)}</td><td>${escapeHtml(b)}</td></tr>`).join('\n')}
</tbody>
</table></div>
</section>
${notes(comparison.notes)}
</main>
</body>
</html>
`;
}

const MEANING: Readonly<Record<Evidence, string>> = {
  measured: 'a clock or a counter said so on the machine named',
  simulated: 'a simulation, or what was computed from one: no such device ran',
  derived: 'computed from published rates, or planned',
};

const LEGEND = Object.entries(MEANING)
  .map(([evidence, meaning]) => `${badge(evidence as Evidence)} ${meaning}`)
  .join('<br>');

const SIMULATED =
  '<p class="banner" role="note"><strong>Simulated.</strong> No graphics card ran. Figures of the devices follow from ' +
  'published rates and show the form of a report, not the speed of a card.</p>';

function badge(evidence: Evidence): string {
  return `<span class="badge ${evidence}">${evidence}</span>`;
}

function table(title: string, names: readonly [string, string], rows: readonly Row[]): string {
  return `<section>
<h2>${title}</h2>
<div class="scroll"><table>
${head('', names, true)}
<tbody>
${rows.map((row) => `<tr><th scope="row">${row.label}</th>${cell(row.a)}${cell(row.b)}<td class="number">${row.ratio}</td></tr>`).join('\n')}
</tbody>
</table></div>
</section>`;
}

function head(corner: string, [left, right]: readonly [string, string], hasRatio: boolean): string {
  const number = hasRatio ? ' class="number"' : '';
  return (
    `<thead><tr><td>${corner}</td><th scope="col"${number}><span class="first">${escapeHtml(left)}</span></th>` +
    `<th scope="col"${number}><span class="second">${escapeHtml(right)}</span></th>` +
    `${hasRatio ? '<th scope="col" class="number">second / first</th>' : ''}</tr></thead>`
  );
}

function cell({ text, evidence }: Cell): string {
  if (evidence === null) return `<td class="number unknown">${text}</td>`;
  return `<td class="number">${escapeHtml(text)} ${badge(evidence)}</td>`;
}

function figure({ title, caption, evidence, svg }: Plot): string {
  return `<figure>
<figcaption><h2>${title} ${badge(evidence)}</h2></figcaption>
${svg}
<p>${caption}</p>
</figure>`;
}

function notes(list: readonly string[]): string {
  if (list.length === 0) return '';
  return `<section>
<h2>Notes</h2>
<ul>
${list.map((note) => `<li>${escapeHtml(note)}</li>`).join('\n')}
</ul>
</section>`;
}

/** Texts of reports are anybody's. */
function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1c2330; --soft: #5a6475; --line: #dde1e8;
  --first: #1f6fb5; --second: #c2570c;
  --measured: #17703a; --simulated: #8a5a00; --derived: #5a6475;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181f; --card: #1d232d; --text: #e6e9ef; --soft: #a3adbd; --line: #343c4a;
    --first: #6cb2f2; --second: #f2a35e;
    --measured: #6fcf97; --simulated: #f0c05a; --derived: #a3adbd;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 8px; }
h1 small { color: var(--soft); font-weight: normal; font-size: 18px; }
h2 { font-size: 16px; margin: 0 0 10px; }
p { margin: 0 0 10px; }
.first::before, .second::before { content: ""; display: inline-block; width: .62em; height: .62em; border-radius: 2px; margin-right: .4em; }
.first::before { background: var(--first); }
.second::before { background: var(--second); }
.banner { border: 1px solid var(--simulated); border-left-width: 5px; border-radius: 6px; padding: 10px 14px; background: var(--card); }
.legend { color: var(--soft); font-size: 13px; line-height: 1.9; }
section, figure { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 16px 0 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; background: none; border: 0; padding: 0; }
.plots figure { margin: 0; min-width: 0; }
figure svg { display: block; max-width: 100%; height: auto; }
figure p { color: var(--soft); font-size: 13px; margin: 8px 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 700px; table-layout: fixed; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th, thead td { border-top: 0; font-size: 13px; }
thead td { width: 25%; padding-left: 0; }
tbody th { font-weight: normal; color: var(--soft); padding-left: 0; }
td.number, th.number { text-align: right; }
td { overflow-wrap: anywhere; }
.unknown { color: var(--soft); font-style: italic; }
.badge { display: inline-block; font-size: 11px; line-height: 1.5; font-weight: 600; padding: 0 6px; border: 1px solid currentColor; border-radius: 9px; vertical-align: 1px; }
.badge.measured { color: var(--measured); }
.badge.simulated { color: var(--simulated); border-style: dashed; }
.badge.derived { color: var(--derived); border-style: dotted; }
td .badge { min-width: 76px; text-align: center; margin-left: 6px; }
ul { margin: 0; padding-left: 20px; }
@media print { body { background: none; } section, figure { break-inside: avoid; } }
`;
