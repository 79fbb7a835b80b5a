/** Temporary files of a self-test: engines, seeded VAEs, images. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asLatentCacheError } from '../errors.js';
import { loadVae, type VaeEncoderWeights } from '../model/load-vae.js';
import { writeSeededVae } from '../model/seeded-vae.js';
import type { FamilyCase, KnownAnswers, NetworkName } from './known-answers.js';

export class Workspace implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    private readonly answers: KnownAnswers,
  ) {}

  static async open(answers: KnownAnswers): Promise<Workspace> {
    try {
      return new Workspace(await mkdtemp(path.join(tmpdir(), 'latent-cache-selftest-')), answers);
    } catch (cause) {
      throw asLatentCacheError(cause, 'ERR_OUTPUT_NOT_WRITABLE', {
        path: tmpdir(),
        remedy: 'Name a folder with 500 MiB of space in TMPDIR.',
      });
    }
  }

  get engineFolder(): string {
    return path.join(this.folder, 'engines');
  }

  async makeFolder(name: string): Promise<string> {
    const folder = path.join(this.folder, name);
    await mkdir(folder);
    return folder;
  }

  /** The file of a network's VAE. */
  async writeVae(network: NetworkName): Promise<string> {
    const file = path.join(this.folder, `${network}.safetensors`);
    const { widths, blocks } = this.answers.networks[network];
    const { seed } = this.answers.encoder.find((one) => one.network === network)!;
    await writeSeededVae(file, { seed, widths, blocksPerLevel: blocks, layout: 'diffusers' });
    return file;
  }

  async loadVae(network: NetworkName, signal: AbortSignal): Promise<VaeEncoderWeights> {
    return loadVae(await this.writeVae(network), { model: 'sdxl', signal });
  }

  async loadFamily(
    { vae, model, seed, widths, blocksPerLevel, layout }: FamilyCase,
    signal: AbortSignal,
  ): Promise<VaeEncoderWeights> {
    const file = path.join(this.folder, `${vae}.safetensors`);
    await writeSeededVae(file, { vae, seed, widths, blocksPerLevel, layout });
    return loadVae(file, { model, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
