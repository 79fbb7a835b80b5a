/** Encodes the same pixels again and again, with as many calls in flight as the encoder works on at once. */
export async function encodeImages(encoder, pixels, size, count) {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await encoder.encodeBatch({ images: [pixels], width: size, height: size });
  };
  await Promise.all(Array.from({ length: encoder.info.callsAtOnce }, caller));
}

/** `{ imagesPerSecond, cpuSeconds }` of `count` images that `work` encodes; CPU seconds for each image. */
export async function rateOf(count, work) {
  const before = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { imagesPerSecond: count / seconds, cpuSeconds: (user + system) / 1e6 / count };
}
