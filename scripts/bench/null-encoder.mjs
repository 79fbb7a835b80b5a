// An encoder that answers zeros.
export function nullEncoder() {
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
      const size = count * 4 * (width / 8) * (height / 8);
      const shape = { count, channels: 4, width: width / 8, height: height / 8 };
      return { mean: new Float32Array(size), logvar: new Float32Array(size), ...shape };
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
