/**
 * Runs `work` over the items with at most `limit` at a time and yields the results in the order of the items. At most
 * `limit` results wait for the consumer. Leaving early waits for what has begun.
 */
export async function* mapLimit<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const running: Promise<R>[] = [];
  const start = (item: T) => {
    const result = work(item);
    result.catch(() => {}); // awaited below, perhaps later than it fails
    running.push(result);
  };
  const iterator = items[Symbol.iterator]();
  try {
    for (;;) {
      while (running.length < limit) {
        const next = iterator.next();
        if (next.done) break;
        start(next.value);
      }
      const first = running.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
