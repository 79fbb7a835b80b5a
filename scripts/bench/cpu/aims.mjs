// What was aimed at, and whether it was met. Nothing fails: a slow or busy machine is no fault of the code.

const MEMORY_SIZE = 1024;

function rowOf(rows, who) {
  const row = rows.find((one) => one.who === who);
  return row?.missing ? undefined : row;
}

/** How many times as fast as the fastest of `others`. */
function speed(rows, who, others) {
  const own = rowOf(rows, who);
  const times = others.map((other) => rowOf(rows, other)?.times.best).filter((time) => time !== undefined);
  return own && times.length > 0 ? Math.min(...times) / own.times.best : undefined;
}

function atLeast(text, value, least) {
  return { text, value, isMet: value === undefined ? undefined : value >= least, unit: '×' };
}

function atMost(text, value, most, unit) {
  return { text, value, isMet: value === undefined ? undefined : value <= most, unit };
}

const FLOAT32 = ['torch fp32', 'torch fp32, tuned'];

/** Of one size; a value that could not be measured is undefined. */
export function aimsAt({ size, rows }, hasAmx) {
  const aims = hasAmx
    ? [
        atLeast(
          'bf16 at least 2 times as fast as torch bf16',
          speed(rows, 'oneDNN bf16', ['torch bf16, tuned']),
          2,
        ),
        atLeast('bf16 at least 8 times as fast as torch fp32', speed(rows, 'oneDNN bf16', FLOAT32), 8),
        atLeast('bf16x3 at least 2 times as fast as torch fp32', speed(rows, 'oneDNN bf16x3', FLOAT32), 2),
      ]
    : [
        atLeast(
          'fp32 at least as fast as onnxruntime (no AMX here)',
          speed(rows, 'oneDNN fp32', ['onnxruntime fp32']),
          1,
        ),
      ];
  if (size !== MEMORY_SIZE) return aims;
  const [ours, torch] = ['oneDNN fp32', 'torch fp32'].map((who) => rowOf(rows, who)?.peakBytes);
  aims.push(
    atMost("fp32's peak memory at most a third of torch fp32's", ours && torch && ours / torch, 1 / 3, '×'),
  );
  for (const row of rows.filter(({ memory }) => memory)) {
    aims.push(
      atMost(`${row.who}: memory within 3 % of what it needs`, Math.abs(memoryError(row.memory)), 3, ' %'),
    );
  }
  return aims;
}

/** In % of what was promised. */
export function memoryError({ arenaBytes, growthBytes }) {
  return (100 * (growthBytes - arenaBytes)) / arenaBytes;
}

export function printAims(aims) {
  for (const { text, value, isMet, unit } of aims) {
    const verdict = isMet === undefined ? 'not measured' : isMet ? 'met' : 'not met';
    console.log(`  ${text}: ${value === undefined ? '' : `${value.toFixed(2)}${unit}, `}${verdict}`);
  }
}
