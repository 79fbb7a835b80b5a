// Stands in for the child that builds engines, with a builder that does what the graph's first word says.

import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveBuild } from '#dist/encoder/tensorrt/serve-build.js';
import { LatentCacheError } from '#dist/errors.js';

const device = {
  async loadEngine({ path, offset, bytes }) {
    if (
      readFileSync(path)
        .subarray(offset, offset + bytes)
        .toString() === 'large'
    ) {
      throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', 'no memory left');
    }
    return { id: 5, weightBytes: 77 };
  },
  async memoryFor(engine, { count }) {
    return { activationBytes: engine, inputBytes: 1, outputBytes: 2, arenaBytes: 100 * count };
  },
  async close() {},
};

serveBuild({
  openDevice: async () => device,
  async buildEngine({ graph, tensors, timingCache, memoryLimit }, onProgress) {
    const [task, argument] = Buffer.from(graph).toString().split(' ');
    onProgress('Tactics', 0, 2);
    switch (task) {
      case 'build': {
        const read = ({ path, offset, bytes }) =>
          readFileSync(path)
            .subarray(offset, offset + bytes)
            .toString('hex');
        const told = {
          tensors: tensors.map(({ name, ...place }) => [name, read({ name, ...place })]),
          memoryLimit,
        };
        const timing = Buffer.from(timingCache ?? '').toString();
        return { plan: Buffer.from(JSON.stringify(told)), timingCache: Buffer.from(`${timing}+`) };
      }
      case 'large':
        return { plan: Buffer.from('large'), timingCache: null };
      case 'refuse':
        throw new LatentCacheError('ERR_ENGINE_BUILD', 'no implementation', { op: 'buildSerializedNetwork' });
      case 'crash':
        process.stderr.write('last words\n');
        await sleep(50);
        process.kill(process.pid, 'SIGSEGV');
        return sleep(60_000);
      case 'exit':
        process.exit(3);
        break;
      default:
        // as the real one does: a thread is busy and nothing is said
        writeFileSync(argument, String(process.pid));
        for (;;) await sleep(1000);
    }
  },
});
