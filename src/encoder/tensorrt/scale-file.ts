/** The scales of one VAE, kept beside its engines: other samples must not mean other engines. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeFileAtomic } from '../../cache/atomic-file.js';
import type { Rescaling } from '../../model/rescale.js';
import type { NativeBinding } from '../../native/binding.js';
import { acquireLock, type FileLock } from './file-lock.js';
import { readSealedHeader, sealFile } from './sealed-file.js';

const KIND = 'scales';

export class ScaleFile {
  readonly #file: string;

  constructor(
    folder: string,
    private readonly fingerprint: string,
    private readonly files: Pick<NativeBinding, 'writeFileAtomic'>,
  ) {
    const name = createHash('sha256').update(fingerprint).digest('hex').slice(0, 32);
    this.#file = path.join(folder, `${name}.scales`);
  }

  /** Waits until no other process chooses them. */
  lock(signal: AbortSignal): Promise<FileLock> {
    return acquireLock(`${this.#file}.lock`, { signal });
  }

  /** undefined when there are none, or a file that cannot be trusted. */
  async read(): Promise<Rescaling | undefined> {
    const { kind, fingerprint, exponents } = (await readSealedHeader(this.#file))?.header ?? {};
    const isOurs = kind === KIND && fingerprint === this.fingerprint && Array.isArray(exponents);
    return isOurs && exponents.every(Number.isInteger) ? { exponents: exponents as number[] } : undefined;
  }

  async write({ exponents }: Rescaling): Promise<void> {
    const header = { kind: KIND, fingerprint: this.fingerprint, exponents };
    await writeFileAtomic(this.#file, sealFile(header, new Uint8Array()), this.files);
  }
}
