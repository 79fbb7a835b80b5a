// A run with nothing to do: images a second, time on the main thread, memory.
// Usage: npm run bench:rescan -- [--images 100000] [--folders 1] [--json]
//
// Makes tiny images and caches in a temporary folder: the encoder gives zeros.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeTinyImages } from './rescan/tiny-images.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '100000' },
    folders: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const images = Number(values.images);
const child = fileURLToPath(new URL('rescan/run-child.mjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'latent-cache-rescan-'));

/** One run in a process of its own, so that its memory is its own. */
function run(...flags) {
  const { status, stdout } = spawnSync(process.execPath, ['--expose-gc', child, folder, ...flags], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`a run ended with ${status}`);
  return JSON.parse(stdout);
}

try {
  writeTinyImages(folder, images, Number(values.folders));
  const runs = {
    first: run(),
    again: run(),
    'without manifest': run('--forget'),
    'and again': run(),
  };
  if (values.json) {
    console.log(JSON.stringify({ images, folders: Number(values.folders), runs }));
  } else {
    for (const [
      name,
      { encoded, skipped, seconds, surveySeconds, mainSeconds, maxRssBytes },
    ] of Object.entries(runs)) {
      console.log(
        `${name}: ${encoded} encoded, ${skipped} skipped in ${seconds.toFixed(1)} s; survey ` +
          `${Math.round(images / surveySeconds)} images/s, main thread ${((mainSeconds / images) * 1e6).toFixed(1)} µs an image, ` +
          `at most ${Math.round(maxRssBytes / 2 ** 20)} MiB`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
