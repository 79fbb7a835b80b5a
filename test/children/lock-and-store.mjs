// Usage: FOLDER KEY LOG hang|build   takes the lock of an engine; hangs with it, or stores the engine unless it is there.
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { EngineCache } from '#dist/encoder/tensorrt/engine-cache.js';

const [folder, key, log, mode] = process.argv.slice(2);
const binding = {
  async writeFileAtomic(temporary, target, pieces) {
    writeFileSync(temporary, Buffer.concat(pieces));
    renameSync(temporary, target);
  },
};
const shape = { count: 1, height: 64, width: 64 };
const record = {
  description: '',
  device: '',
  runtime: '',
  minimum: shape,
  optimum: shape,
  maximum: shape,
  weightBytes: null,
  memory: [],
  exponents: null,
  buildSeconds: 0,
};

const cache = await EngineCache.open({ folder, binding });
const lock = await cache.lock(key);
if ((await cache.find(key)) === undefined) {
  appendFileSync(log, `${mode}\n`);
  if (mode === 'hang') {
    process.send('locked');
    await new Promise(() => setInterval(() => {}, 1000));
  }
  await cache.store(key, record, Buffer.from('plan'));
}
await lock.release();
process.disconnect();
