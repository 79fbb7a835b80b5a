/** One task at a time for each file; those of different files do not wait for each other. */
export class FileTurns {
  readonly #last = new Map<string, Promise<void>>();

  async inTurn(file: string, task: () => Promise<void>): Promise<void> {
    const before = this.#last.get(file);
    const turn = before === undefined ? task() : before.then(task, task);
    this.#last.set(file, turn);
    try {
      await turn;
    } finally {
      if (this.#last.get(file) === turn) this.#last.delete(file);
    }
  }
}
