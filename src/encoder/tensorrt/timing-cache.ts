/**
 * TensorRT's measurements of its kernels, shared by all builds for one kind of GPU and one version, so that they are not
 * made again for every engine.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeFileAtomic } from '../../cache/atomic-file.js';
import type { NativeBinding } from '../../native/binding.js';
import { readSealedPayload, sealFile } from './sealed-file.js';

export class TimingCache {
  readonly #file: string;
  readonly #identity: string;

  constructor(
    folder: string,
    attributes: string,
    runtime: string,
    private readonly files: Pick<NativeBinding, 'writeFileAtomic'>,
  ) {
    this.#identity = `${attributes}\n${runtime}`;
    const name = createHash('sha256').update(this.#identity).digest('hex').slice(0, 32);
    this.#file = path.join(folder, `${name}.timing`);
  }

  /** null when there is none, or one that cannot be trusted. */
  async read(): Promise<Uint8Array | null> {
    const sealed = await readSealedPayload(this.#file);
    return sealed?.header.identity === this.#identity ? sealed.payload : null;
  }

  /** Of two processes that write at once, one wins; the other's measurements are made again some time. */
  async write(content: Uint8Array): Promise<void> {
    await writeFileAtomic(
      this.#file,
      sealFile({ kind: 'timing', identity: this.#identity }, content),
      this.files,
    );
  }
}
