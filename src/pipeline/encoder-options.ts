import type { CreateEncoderOptions } from '../encoder/select.js';
import type { RunSettings } from './options.js';

/** What a build's settings say of its encoder. */
export function encoderOptionsOf(settings: RunSettings): CreateEncoderOptions {
  const { backend, precision, accuracy, device, vramBudget, libraryDir, residency } = settings;
  const { attentionChunks, engineDir, threads } = settings;
  return {
    backend,
    precision,
    accuracy,
    device,
    vramBudget,
    libraryFolders: libraryDir,
    sliceAttention: residency === 'lowvram',
    ...(attentionChunks === undefined ? {} : { queryChunks: attentionChunks }),
    ...(engineDir === undefined ? {} : { engineFolder: engineDir }),
    ...(threads === undefined ? {} : { threads }),
  };
}
