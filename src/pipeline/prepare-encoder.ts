import type { Encoder } from '../encoder/encoder.js';
import { createEncoder } from '../encoder/select.js';
import { LatentCacheError } from '../errors.js';
import { loadVae } from '../model/load-vae.js';
import type { BuildOptions, BuildSettings } from './options.js';

/** Which backend runs, and why. */
export interface BackendChoice {
  readonly backend: string;
  readonly device: string;
  readonly precision: string;
  readonly reason: string;
}

/** The weights are known; the encoder itself starts only when there is work for it. */
export interface EncoderSource {
  readonly fingerprint: string;
  readonly warnings: readonly string[];
  /** Called once at most. */
  start(): Promise<{ encoder: Encoder; choice: BackendChoice; dispose(): Promise<void> }>;
}

/** @throws LatentCacheError `ERR_MODEL_*`, `ERR_OPTION` */
export async function prepareEncoder(
  options: BuildOptions,
  settings: BuildSettings,
  signal: AbortSignal,
): Promise<EncoderSource> {
  if (options.encoder !== undefined) return injectedEncoder(options.encoder, settings);
  if (options.vae === undefined) {
    throw new LatentCacheError('ERR_OPTION', 'no VAE was given', {
      remedy: 'Name a .safetensors file with --vae: a VAE, or a checkpoint that holds one.',
    });
  }
  const weights = await loadVae(options.vae, { model: settings.model.id, signal });
  return {
    fingerprint: weights.fingerprint,
    warnings: weights.warnings,
    start: async () => {
      const { encoder, reason } = await createEncoder(weights, {
        backend: settings.backend,
        signal,
        consumeWeights: true, // start() is called once; the encoder has its own copy
        precision: settings.precision,
        accuracy: settings.accuracy,
        device: settings.device,
        vramBudget: settings.vramBudget,
        libraryFolders: settings.libraryDir,
        ...(options.binding === undefined ? {} : { binding: options.binding }),
        ...(settings.attentionChunks === undefined ? {} : { queryChunks: settings.attentionChunks }),
        ...(settings.engineDir === undefined ? {} : { engineFolder: settings.engineDir }),
        ...(settings.threads === undefined ? {} : { threads: settings.threads }),
      });
      const { backend, device, precision } = encoder.info;
      return { encoder, choice: { backend, device, precision, reason }, dispose: () => encoder.dispose() };
    },
  };
}

function injectedEncoder(
  { encoder, fingerprint }: NonNullable<BuildOptions['encoder']>,
  { model }: BuildSettings,
): EncoderSource {
  const { latentChannels, stride, backend, device, precision } = encoder.info;
  if (latentChannels !== model.latentChannels || stride !== model.stride) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `The encoder gives ${latentChannels} channels at stride ${stride}; ` +
        `${model.title} needs ${model.latentChannels} at ${model.stride}`,
    );
  }
  const choice = { backend, device, precision, reason: 'handed in by the caller' };
  return { fingerprint, warnings: [], start: async () => ({ encoder, choice, dispose: async () => {} }) };
}
