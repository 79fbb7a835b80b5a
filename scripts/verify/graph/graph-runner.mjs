// A Python process that runs graphs on torch: one line of JSON asks, one answers.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./run_graphs.py', import.meta.url));

export class GraphRunner {
  #command;
  #child;
  #lines;

  /**
   * The process starts with the first graph.
   *
   * @param device as torch names it: 'cpu', 'cuda'
   */
  constructor(python, device) {
    this.#command = [python, [SCRIPT, device]];
  }

  /** @returns the output of a model for one image, (height, width, 3) uint8 in a file. */
  async run(model, image, height, width) {
    if (this.#child === undefined) this.#start();
    this.#child.stdin.write(`${JSON.stringify({ model, image, height, width })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#command[0]} ended, which runs graphs`);
    return Float32Array.from(JSON.parse(value));
  }

  close() {
    this.#child?.stdin.end();
  }

  #start() {
    this.#child = spawn(...this.#command, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    // a process that is gone is noticed by the missing answer
    this.#child.on('error', () => this.#child.stdout.destroy());
    this.#child.stdin.on('error', () => {});
  }
}
