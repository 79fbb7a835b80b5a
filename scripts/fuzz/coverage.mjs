// Which parts of the project's own code have run, from V8's block counters.
import { Session } from 'node:inspector';

/** What is known of one file. */
class FileCoverage {
  covered = new Uint8Array(0);
  /** Where blocks begin or end, as far as V8 has told them apart. */
  edges = new Set();

  /** @returns whether something runs that never ran before; `keep` makes it known. */
  add(functions, keep) {
    const counts = countsOf(functions, this.edges);
    if (counts.length > this.covered.length) {
      const longer = new Uint8Array(counts.length);
      longer.set(this.covered);
      this.covered = longer;
    }
    let isNew = false;
    for (let at = 0; at < counts.length; at++) {
      if (counts[at] === 0 || this.covered[at] === 1) continue;
      isNew = true;
      if (!keep) return true;
      this.covered[at] = 1;
    }
    return isNew;
  }

  blocks() {
    const edges = [...this.edges].sort((a, b) => a - b);
    return edges.reduce((sum, edge) => sum + (this.covered[edge] ?? 0), 0);
  }
}

/** 1 for each character of the file that ran. Inner ranges come after the outer ones and replace them. */
function countsOf(functions, edges) {
  const length = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
  const counts = new Uint8Array(length);
  const nested = functions.toSorted((a, b) => size(b.ranges[0]) - size(a.ranges[0]));
  for (const { startOffset, endOffset, count } of nested.flatMap(({ ranges }) => ranges)) {
    counts.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    edges.add(startOffset);
    edges.add(endOffset);
  }
  return counts;
}

function size({ startOffset, endOffset }) {
  return endOffset - startOffset;
}

export class Coverage {
  #session = new Session();
  #files = new Map();
  #folder;

  /** @param folder URL of the code that counts */
  constructor(folder) {
    this.#folder = folder;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /**
   * Looks at what ran since the last call.
   *
   * @param keep false only asks whether it is new
   */
  take(keep) {
    let isNew = false;
    for (const { url, functions } of this.#post('Profiler.takePreciseCoverage').result) {
      if (!url.startsWith(this.#folder)) continue;
      const file = this.#files.get(url) ?? new FileCoverage();
      this.#files.set(url, file);
      if (file.add(functions, keep)) isNew = true;
    }
    return isNew;
  }

  /** Blocks that have run. */
  blocks() {
    return [...this.#files.values()].reduce((sum, file) => sum + file.blocks(), 0);
  }

  #post(method, parameters) {
    let answer;
    this.#session.post(method, parameters, (error, result) => {
      if (error) throw new Error(error.message);
      answer = result;
    });
    return answer;
  }
}
