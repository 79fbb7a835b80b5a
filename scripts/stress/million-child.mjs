// One run of million.mjs. Prints a line for each hundredth of the work, and one at the end.
import { performance } from 'node:perf_hooks';
import '../../bin/process-settings.cjs';
import { buildCache } from '../../dist/index.js';

const [folder, vae] = process.argv.slice(2);
let printed = -1;
let before;
for await (const event of buildCache({
  inputs: [folder],
  model: 'sdxl',
  vae,
  backend: 'sim:rtx-4090',
  recursive: true,
  resolution: 64,
  vaeBatchSize: 32,
  allowSimulated: true,
})) {
  if (event.type === 'plan') before = performance.eventLoopUtilization();
  if (event.type === 'progress') {
    const part = event.done / event.total;
    if (Math.floor(part * 100) === printed) continue;
    printed = Math.floor(part * 100);
    const { rss: rssBytes, heapTotal, heapUsed, external } = process.memoryUsage();
    console.log(JSON.stringify({ type: 'progress', part, rssBytes, heapTotal, heapUsed, external }));
  }
  if (event.type === 'summary') {
    const { active: busyMilliseconds } = performance.eventLoopUtilization(before);
    const maxRssBytes = process.resourceUsage().maxRSS * 1024;
    const { encoded, skipped, failed } = event;
    console.log(
      JSON.stringify({ type: 'end', summary: { encoded, skipped, failed }, busyMilliseconds, maxRssBytes }),
    );
  }
}
