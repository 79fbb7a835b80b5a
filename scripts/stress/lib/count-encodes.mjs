// Loaded before the command: a byte in a file for each image that the encoder has finished, so that it is known even of
// a run that was killed. The encoder is made slower than the disk, one call after the other, as real ones are.
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { OnednnEncoder } from '../../../dist/encoder/onednn/onednn-encoder.js';

const CALL_MS = 80;
const { encodeBatch } = OnednnEncoder.prototype;
let last = Promise.resolve();

OnednnEncoder.prototype.encodeBatch = function counted(batch, options) {
  const call = async () => {
    await setTimeout(CALL_MS);
    const moments = await encodeBatch.call(this, batch, options);
    appendFileSync(process.env.LC_STRESS_ENCODES, '.'.repeat(batch.images.length));
    return moments;
  };
  const result = last.then(call);
  last = result.catch(() => {});
  return result;
};
