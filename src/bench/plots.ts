/** The plots of a comparison, as SVG made by Vega: no browser and no network takes part. */
import type { Config, TopLevelSpec } from 'vega-lite';
import { LatentCacheError } from '../errors.js';
import type { Comparison } from './compare-reports.js';
import { columnNames } from './comparison-rows.js';
import { type BenchReport, type Evidence, evidenceOf, STAGES, type Stage } from './report.js';

export interface Plot {
  readonly title: string;
  /** What is seen, for people who do not see it and for those who do. */
  readonly caption: string;
  readonly evidence: Evidence;
  readonly svg: string;
}

interface PlotSpec extends Omit<Plot, 'svg'> {
  readonly spec: Partial<TopLevelSpec>;
}

/** Of a whole plot with its labels: that of half the page. */
const WIDTH = 460;
/** Of the longest bar, so that there is room for the number at its end. */
const ROOM = 1.16;
/** Colours are the page's, so that they follow its light or dark mode. */
const COLOURS = ['var(--first)', 'var(--second)'];
const TEXT = 'currentColor';
const GRID = 'var(--line)';

const CONFIG: Config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: TEXT,
    titleColor: TEXT,
    gridColor: GRID,
    domainColor: GRID,
    tickColor: GRID,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 200,
    labelPadding: 6,
  },
  text: { fill: TEXT, fontSize: 12 },
};

/** @throws LatentCacheError ERR_OPTION where Vega is not installed: it is an optional part */
export async function drawPlots(comparison: Comparison): Promise<Plot[]> {
  const [vega, lite] = await loadVega();
  const plots: Plot[] = [];
  for (const { spec, ...about } of specs(comparison)) {
    const whole = {
      ...spec,
      config: CONFIG,
      padding: 2,
      width: WIDTH,
      autosize: { type: 'fit-x', contains: 'padding' },
    } as TopLevelSpec;
    const view = new vega.View(vega.parse(lite.compile(whole, { logger: vega.logger(vega.Error) }).spec), {
      renderer: 'none',
      logLevel: vega.Error,
    });
    plots.push({ ...about, svg: await view.toSVG() });
    view.finalize();
  }
  return plots;
}

async function loadVega(): Promise<[typeof import('vega'), typeof import('vega-lite')]> {
  try {
    return await Promise.all([import('vega'), import('vega-lite')]);
  } catch (cause) {
    throw new LatentCacheError(
      'ERR_OPTION',
      'The HTML form has plots, and what draws them is not installed',
      {
        remedy: 'npm install vega vega-lite, or take --format markdown.',
        cause,
      },
    );
  }
}

function specs(comparison: Comparison): PlotSpec[] {
  const names = columnNames(comparison);
  const reports = [comparison.a, comparison.b];
  const ofBoth = <T extends object>(rows: (report: BenchReport) => readonly T[]) =>
    reports.flatMap((report, index) => rows(report).map((row) => ({ ...row, device: names[index]! })));
  const ran = evidenceOf(...reports.map(({ stages }) => stages.encode.evidence));
  return [
    speedPlot(names, ofBoth, ran),
    ...(reports.some(({ bound }) => bound !== null) ? [sharePlot(names, ofBoth, ran)] : []),
    sweepPlot(names, ofBoth, ran),
    stagePlot(names, ofBoth, ran),
  ];
}

type OfBoth = <T extends object>(rows: (report: BenchReport) => readonly T[]) => (T & { device: string })[];

function colour(names: readonly string[]) {
  return { field: 'device', scale: { domain: names, range: COLOURS }, legend: null } as const;
}

/** Numbers at the ends of bars. */
const AT_END = { align: 'left', baseline: 'middle', dx: 4 } as const;

function speedPlot(names: readonly string[], ofBoth: OfBoth, evidence: Evidence): PlotSpec {
  const values = ofBoth(({ imagesPerSecond, bound }) => [
    { what: 'Encoder alone', rate: imagesPerSecond.encode.value },
    { what: 'End to end', rate: imagesPerSecond.endToEnd.value },
    ...(bound === null ? [] : [{ what: 'Compute bound', rate: bound.imagesPerSecond.value }]),
  ]);
  const sort = ['Compute bound', 'Encoder alone', 'End to end'];
  const position = {
    y: { field: 'what', type: 'nominal', sort, title: null, axis: { domain: false, ticks: false } },
    yOffset: { field: 'device', sort: names },
    x: {
      field: 'rate',
      type: 'quantitative',
      title: 'images/s',
      scale: { domain: [0, ROOM * Math.max(...values.map(({ rate }) => rate))] },
    },
  } as const;
  return {
    title: 'Images a second',
    caption:
      'Longer is faster. The compute bound is what the arithmetic alone would allow, derived from published rates.',
    evidence,
    spec: {
      data: { values },
      height: { step: 22 },
      layer: [
        { mark: { type: 'bar' }, encoding: { ...position, color: colour(names) } },
        {
          mark: { type: 'text', ...AT_END },
          encoding: { ...position, text: { field: 'rate', format: ',.3~r' } },
        },
      ],
    } as Partial<TopLevelSpec>,
  };
}

function sharePlot(names: readonly string[], ofBoth: OfBoth, evidence: Evidence): PlotSpec {
  const values = ofBoth(({ bound }) => (bound === null ? [] : [{ share: bound.share.value }]));
  const position = {
    y: { field: 'device', type: 'nominal', sort: names, title: null, axis: { domain: false, ticks: false } },
    x: {
      field: 'share',
      type: 'quantitative',
      title: 'share of the compute bound',
      axis: { format: '.0%' },
      scale: { domain: [0, Math.max(1, ROOM * Math.max(...values.map(({ share }) => share)))] },
    },
  } as const;
  return {
    title: 'Share of each device’s own bound',
    caption: 'How much of its arithmetic each device puts to use while it encodes; 100 % is all.',
    evidence,
    spec: {
      data: { values },
      height: { step: 36 },
      layer: [
        { mark: { type: 'bar' }, encoding: { ...position, color: colour(names) } },
        {
          mark: { type: 'text', ...AT_END },
          encoding: { ...position, text: { field: 'share', format: '.1%' } },
        },
      ],
    } as Partial<TopLevelSpec>,
  };
}

function sweepPlot(names: readonly string[], ofBoth: OfBoth, evidence: Evidence): PlotSpec {
  const values = ofBoth(({ sweep, batch }) =>
    sweep.map((step) => ({
      batch: step.batch,
      rate: 1 / step.secondsPerImage.median,
      chosen: step.batch === batch,
    })),
  );
  const ticks = [...new Set(values.map(({ batch }) => batch))].sort((a, b) => a - b);
  const encoding = {
    x: {
      field: 'batch',
      type: 'quantitative',
      title: 'images at once',
      axis: { values: ticks, format: 'd' },
      scale: { type: 'log', base: 2, nice: false, padding: 16 },
    },
    y: { field: 'rate', type: 'quantitative', title: 'images/s', scale: { zero: true } },
    color: colour(names),
  } as const;
  return {
    title: 'Looking for the best batch',
    caption:
      'The encoder alone, by images at once, as far as each memory budget allows. A filled point was chosen: the smallest of those as fast as the fastest.',
    evidence,
    spec: {
      data: { values },
      height: 190,
      layer: [
        { mark: { type: 'line', strokeWidth: 2 }, encoding },
        {
          mark: { type: 'point', size: 70, strokeWidth: 2 },
          encoding: {
            ...encoding,
            fill: {
              condition: {
                test: 'datum.chosen',
                field: 'device',
                scale: { domain: names, range: COLOURS },
                legend: null,
              },
              value: 'var(--card)',
            },
          },
        },
      ],
    } as Partial<TopLevelSpec>,
  };
}

const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  decode: 'Decode',
  resize: 'Resize',
  encode: 'Encode',
  write: 'Write',
  endToEnd: 'End to end',
};

function stagePlot(names: readonly string[], ofBoth: OfBoth, evidence: Evidence): PlotSpec {
  const values = ofBoth(({ stages }) =>
    STAGES.map((stage) => ({
      stage: STAGE_NAMES[stage],
      median: 1000 * stages[stage].median,
      p95: 1000 * stages[stage].p95,
    })),
  );
  const y = {
    field: 'stage',
    type: 'nominal',
    sort: Object.values(STAGE_NAMES),
    title: null,
    axis: { domain: false, ticks: false, grid: true },
  } as const;
  const yOffset = { field: 'device', sort: names } as const;
  const x = (field: string) =>
    ({
      field,
      type: 'quantitative',
      title: 'milliseconds an image, logarithmic',
      scale: { type: 'log' },
    }) as const;
  return {
    title: 'Time of each stage',
    caption:
      'Point: median. Line: to the 95th percentile. Decode, resize and write were measured on the host, one image on one thread.',
    evidence,
    spec: {
      data: { values },
      height: { step: 18 },
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 2 },
          encoding: { y, yOffset, x: x('median'), x2: { field: 'p95' }, color: colour(names) },
        },
        {
          mark: { type: 'point', filled: true, size: 70, opacity: 1 },
          encoding: { y, yOffset, x: x('median'), color: colour(names) },
        },
      ],
    } as Partial<TopLevelSpec>,
  };
}
