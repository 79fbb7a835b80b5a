// Images a second with 1, 2, 4 … and all processors.
import { dist } from './dist.mjs';
import { processors } from './machine.mjs';
import { ramps } from './ramps.mjs';
import { percent, printTable } from './table.mjs';
import { encodeImages, rateOf } from './throughput.mjs';

const SIZE = 512;

function threadCounts() {
  const counts = [];
  for (let threads = 1; threads < processors; threads *= 2) counts.push(threads);
  return [...counts, processors];
}

async function bestRate(options, repeats) {
  const { loadEncoder } = await dist('encoder/load-encoder.js');
  const { encoder } = await loadEncoder(options);
  try {
    const pixels = ramps(SIZE);
    const count = encoder.info.callsAtOnce;
    await encodeImages(encoder, pixels, SIZE, 1);
    let best;
    for (let i = 0; i < repeats; i++) {
      const rate = await rateOf(count, () => encodeImages(encoder, pixels, SIZE, count));
      if (best === undefined || rate.imagesPerSecond > best.imagesPerSecond) best = rate;
    }
    return best;
  } finally {
    await encoder.dispose();
  }
}

/**
 * Rows `{ precision, threads, imagesPerSecond, cpuSeconds, efficiency: { wall, cpu } }`; a precision that is not there has
 * none. The efficiency by processor seconds leaves out what other programs took, and threads that slept.
 */
export async function measureScaling(vae, repeats) {
  const rows = [];
  for (const precision of ['fp32', 'bf16']) {
    let single;
    for (const threads of threadCounts()) {
      const options = { vae, model: 'sdxl', backend: 'onednn', precision, threads, consumeWeights: true };
      const rate = await bestRate(options, repeats).catch((error) => {
        console.log(`oneDNN ${precision}: ${error.message}`);
      });
      if (rate === undefined) break;
      single ??= rate;
      rows.push({
        precision,
        threads,
        ...rate,
        efficiency: {
          wall: rate.imagesPerSecond / (single.imagesPerSecond * threads),
          cpu: single.cpuSeconds / rate.cpuSeconds,
        },
      });
    }
  }
  return rows;
}

export function printScaling(rows) {
  printTable(
    [`oneDNN at ${SIZE}×${SIZE}`, 'threads', 'images/s', 'efficiency', 'CPU s/image', 'by CPU s'],
    rows.map(({ precision, threads, imagesPerSecond, cpuSeconds, efficiency }) => [
      precision,
      String(threads),
      imagesPerSecond.toFixed(3),
      percent(efficiency.wall),
      cpuSeconds.toFixed(2),
      percent(efficiency.cpu),
    ]),
  );
  console.log();
}
