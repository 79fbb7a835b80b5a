import type { Encoder } from '../encoder/encoder.js';
import { type BackendName, type CreateEncoderOptions, createEncoder } from '../encoder/select.js';
import { LatentCacheError } from '../errors.js';
import type { EncoderStarter, StandInKind } from '../memory/encoder-set.js';
import type { Layer } from '../model/layers.js';
import { loadVae, type VaeEncoderWeights } from '../model/load-vae.js';
import type { PatchStatistics } from '../model/normalise.js';
import type { Dtype } from '../model/safetensors/dtypes.js';
import { encoderOptionsOf } from './encoder-options.js';
import type { BuildOptions, LentEncoder, RunSettings } from './options.js';
import { noVae, recordedFingerprint } from './recipe.js';

/** Which backend runs, and why. */
export interface BackendChoice {
  readonly backend: string;
  readonly device: string;
  readonly precision: string;
  readonly reason: string;
}

/** The weights are known; encoders start only when there is work for them. */
export interface EncoderSource extends EncoderStarter {
  /** As records have it. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
  /** Of the VAE's encoder; null when it is not known. */
  readonly layers: readonly Layer[] | null;
  /** Of its tensors in the file; none where that is not known. */
  readonly dtypes: readonly Dtype[];
  /** Of the VAE's file, where it has them. */
  readonly patchStatistics: PatchStatistics | undefined;
  /** Of the encoder that was started last by `start`. */
  readonly choice: BackendChoice | undefined;
}

/** @throws LatentCacheError `ERR_MODEL_*`, `ERR_OPTION` */
export async function prepareEncoder(
  options: BuildOptions,
  settings: RunSettings,
  signal: AbortSignal,
): Promise<EncoderSource> {
  if (options.encoder !== undefined) return new LentSource(options.encoder, settings);
  const file = options.vae;
  if (file === undefined) throw noVae();
  const load = () => loadVae(file, { model: settings.model.id, signal });
  const weights = await load();
  checkApproximate(weights, settings);
  return new VaeSource(weights, load, options, settings, signal);
}

/** A tiny encoder's latents are not to be mistaken for the VAE's: nobody gets them who did not ask for them. */
function checkApproximate({ architecture, path }: VaeEncoderWeights, settings: RunSettings): void {
  if (architecture.family !== 'tiny' || settings.leaveFiles || settings.allowApproximate) return;
  throw new LatentCacheError(
    'ERR_OPTION',
    `${path} is a tiny encoder (TAESD), whose latents only resemble those of the VAE: allow_approximate is needed to write them`,
    {
      path,
      remedy: `Give the VAE of ${settings.model.title}; or add --allow-approximate where no training depends on the caches.`,
    },
  );
}

/** Encoders of a VAE file. */
class VaeSource implements EncoderSource {
  readonly fingerprint: string;
  readonly warnings: readonly string[];
  readonly layers: readonly Layer[];
  readonly patchStatistics: PatchStatistics | undefined;
  readonly dtypes: readonly Dtype[];
  choice: BackendChoice | undefined;
  #weights: VaeEncoderWeights | undefined;

  constructor(
    weights: VaeEncoderWeights,
    private readonly load: () => Promise<VaeEncoderWeights>,
    private readonly options: BuildOptions,
    private readonly settings: RunSettings,
    private readonly signal: AbortSignal,
  ) {
    this.#weights = weights;
    this.fingerprint = recordedFingerprint(weights);
    this.warnings = weights.warnings;
    this.layers = weights.layers;
    this.patchStatistics = weights.patchStatistics;
    this.dtypes = weights.sourceDtypes;
  }

  async start(budget?: number): Promise<Encoder> {
    const { encoder, reason } = await this.#create(
      budget === undefined ? {} : { vramBudget: { agreed: budget } },
    );
    const { backend, device, precision } = encoder.info;
    this.choice = { backend, device, precision, reason };
    return encoder;
  }

  startStandIn(kind: StandInKind): Promise<Encoder> | null {
    const { backend, precision } = this.choice!;
    const isOnCpu = backend === 'cpu';
    const same = isOnCpu ? this.settings.backend : (backend as BackendName);
    switch (kind) {
      case 'sliced': // on the CPU the attention is always computed in pieces
        return isOnCpu || this.settings.residency === 'lowvram'
          ? null
          : this.#createStandIn({ backend: same, sliceAttention: true });
      case 'cpu':
        return isOnCpu
          ? null
          : this.#createStandIn({ backend: 'cpu', precision: 'auto', vramBudget: 'auto' });
      case 'precise':
        return precision === 'fp32' ? null : this.#createStandIn({ backend: same, precision: 'fp32' });
    }
  }

  async #createStandIn(changes: CreateEncoderOptions): Promise<Encoder> {
    return (await this.#create(changes)).encoder;
  }

  async #create(changes: CreateEncoderOptions): ReturnType<typeof createEncoder> {
    const { settings, options } = this;
    return createEncoder(await this.#takeWeights(), {
      ...encoderOptionsOf(settings),
      signal: this.signal,
      consumeWeights: true, // an encoder has its own copy; the next one loads them again
      ...(options.binding === undefined ? {} : { binding: options.binding }),
      ...changes,
    });
  }

  async #takeWeights(): Promise<VaeEncoderWeights> {
    const weights = this.#weights ?? (await this.load());
    this.#weights = undefined;
    if (recordedFingerprint(weights) === this.fingerprint) return weights;
    throw new LatentCacheError('ERR_MODEL_FILE', `${this.options.vae} has changed during the run`, {
      path: this.options.vae,
      remedy: 'Run again, so that all latents come from one VAE.',
    });
  }
}

/** An encoder of the caller's: there is no other, and it is not disposed. */
class LentSource implements EncoderSource {
  readonly fingerprint: string;
  readonly warnings = [];
  readonly layers = null;
  readonly patchStatistics: PatchStatistics | undefined;
  readonly dtypes = [];
  readonly choice: BackendChoice;
  readonly #encoder: Encoder;

  constructor({ encoder, fingerprint, patchStatistics }: LentEncoder, { model }: RunSettings) {
    const { latentChannels, stride, backend, device, precision } = encoder.info;
    if (latentChannels !== model.latentChannels || stride !== model.stride) {
      throw new LatentCacheError(
        'ERR_OPTION',
        `The encoder gives ${latentChannels} channels at stride ${stride}; ` +
          `${model.title} needs ${model.latentChannels} at ${model.stride}`,
      );
    }
    if (model.normalisation.kind === 'patches' && patchStatistics === undefined) {
      throw new LatentCacheError(
        'ERR_OPTION',
        `${model.title} latents are normalised by statistics of the VAE's file: the encoder needs patchStatistics`,
        { remedy: 'Hand in those that loadVae gives.' },
      );
    }
    this.fingerprint = fingerprint;
    this.patchStatistics = patchStatistics;
    this.choice = { backend, device, precision, reason: 'handed in by the caller' };
    this.#encoder = encoder;
  }

  async start(): Promise<Encoder> {
    const encoder = this.#encoder;
    return {
      info: encoder.info,
      ...(encoder.memory === undefined ? {} : { memory: encoder.memory }),
      prepare: async (sizes, options) => encoder.prepare?.(sizes, options),
      encodeBatch: (batch, options) => encoder.encodeBatch(batch, options),
      dispose: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  startStandIn(): null {
    return null;
  }
}
