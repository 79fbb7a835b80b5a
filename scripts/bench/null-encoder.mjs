// An encoder that does everything but encode: it normalises the pixels as every encoder must, and answers zeros.
import { loadBinding } from '../../dist/index.js';

export function nullEncoder() {
  const binding = loadBinding();
  let scratch = new Float32Array(0);
  const dispose = async () => {};
  return {
    info: {
      backend: 'null',
      device: 'none',
      precision: 'none',
      latentChannels: 4,
      stride: 8,
      callsAtOnce: 1,
      preferredBatchSize: 1,
      runtime: 'none',
    },
    async encodeBatch({ images, width, height }) {
      const count = images.length;
      if (scratch.length !== images[0].length) scratch = new Float32Array(images[0].length);
      for (const pixels of images) binding.normalize(pixels, scratch, 1, height, width);
      const size = count * 4 * (width / 8) * (height / 8);
      const shape = { count, channels: 4, width: width / 8, height: height / 8 };
      return { mean: new Float32Array(size), logvar: new Float32Array(size), ...shape };
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
