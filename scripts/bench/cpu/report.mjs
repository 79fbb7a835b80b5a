import { aimsAt, memoryError, printAims } from './aims.mjs';
import { megabytes, percent, printTable } from './table.mjs';

const HEADS = [
  's/image',
  'median',
  'CPU s',
  'peak MB',
  'needs',
  'measured',
  'off by',
  'max diff',
  'rmse',
  'GFLOP/s',
  'of peak',
  'by CPU s',
];

/** The machine's own rates, one line a type. */
export function printPeak(peak) {
  if (peak.missing) {
    console.log(`Peak not measured: ${peak.missing}\n`);
    return;
  }
  const { library, instructionSet, threads } = peak;
  console.log(
    `Peak of ${library} (${instructionSet}), GFLOP/s; "of peak" is of the higher with all threads:`,
  );
  const types = ['float32', 'bfloat16'].filter((type) => peak[type]);
  const rates = ({ product, convolution }) => [product.wall.toFixed(0), convolution.wall.toFixed(0)];
  printTable(
    ['', 'product, 1 thread', '3x3 conv', `product, ${threads} threads`, '3x3 conv'],
    types.map((type) => [type, ...rates(peak[type].one), ...rates(peak[type].all)]),
  );
  console.log();
}

/** One size: the table, what could not be compared, the aims. */
export function printComparison(comparison, hasAmx) {
  const { size, operations, rows, referenceName } = comparison;
  const rest = rows.filter(({ missing }) => missing);
  printTable(
    [`${size}×${size}`, ...HEADS],
    rows.filter(({ missing }) => !missing).map((row) => cells(row)),
  );
  for (const { who, missing } of rest) console.log(`${who}: ${missing}`);
  console.log(
    `${(operations / 1e9).toFixed(0)} GFLOP; differences of the means from ${referenceName ?? 'nothing: no reference'}`,
  );
  console.log('Aims:');
  printAims(aimsAt(comparison, hasAmx));
  console.log();
}

function cells({ who, times, peakBytes, memory, difference, gflops, share }) {
  const memoryCells = memory
    ? [megabytes(memory.arenaBytes), megabytes(memory.growthBytes), `${memoryError(memory).toFixed(1)} %`]
    : ['', '', ''];
  return [
    who,
    times.best.toFixed(2),
    times.median.toFixed(2),
    times.cpu.toFixed(1),
    megabytes(peakBytes),
    ...memoryCells,
    ...(difference ? [difference.max.toExponential(1), difference.rmse.toExponential(1)] : ['', '']),
    gflops.wall.toFixed(0),
    ...(share === undefined ? ['', ''] : [percent(share.wall), percent(share.cpu)]),
  ];
}

export const NOTES = `s/image, CPU s: best after a warm-up. Other programs disturb CPU s less: "by CPU s" is the share of the peak by it.
needs: MB that a run was said to take besides the weights; measured: growth of resident memory from the loaded encoder
to the peak. GFLOP/s: of the plain algorithm, whatever was multiplied; Winograd's multiplies less and can pass the peak.
bf16x3 is measured by the float32 peak. tuned: channels last, GLIBC_TUNABLES=glibc.malloc.hugetlb=1.`;
