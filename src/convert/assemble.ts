/** The bytes of a converted cache. */
import type { LatentDtype, LatentEntry } from '../cache/latent-entry.js';
import { encodeProvenance, type ProvenanceRecord } from '../cache/provenance.js';
import { encodeTensorFile } from '../cache/tensor-file.js';
import { writeZip } from '../cache/zip.js';
import type { ModelFacts } from '../model/catalog.js';
import type { PatchStatistics } from '../model/normalise.js';
import * as aiToolkit from '../trainers/ai-toolkit/files.js';
import { SOFTWARE as AI_TOOLKIT_SOFTWARE } from '../trainers/ai-toolkit/trainer.js';
import * as musubi from '../trainers/musubi/files.js';
import { musubiModel } from '../trainers/musubi/models.js';
import * as plain from '../trainers/safetensors/files.js';
import { normalisationRecord, SOFTWARE } from '../trainers/safetensors/trainer.js';
import { entryMembers } from '../trainers/sd-scripts/files.js';
import type { FormatId } from '../trainers/trainer.js';
import { PIXELS_OF } from './source.js';

/** One resolution, with the values that its new format holds. */
export interface NewEntry extends LatentEntry {
  readonly keySuffix: string;
  readonly dtype: LatentDtype;
  readonly posterior: 'mean' | 'sample';
  /** undefined of latents that another program made. */
  readonly record: ProvenanceRecord | undefined;
}

export interface NewCache {
  readonly to: FormatId;
  readonly model: ModelFacts;
  /** At least one; only one for trainers whose files hold one. */
  readonly entries: readonly NewEntry[];
  readonly item: aiToolkit.LatentItem | undefined;
  /** Whose pixels they are of, where the new trainer's would differ. */
  readonly pixelsOf: FormatId | undefined;
  readonly statistics: PatchStatistics | undefined;
}

/** Stands in our own format for the fingerprint of a VAE that nobody has told. */
const UNKNOWN_VAE = 'unknown';

/** The pieces of the file, one after the other. Equal input gives equal bytes. */
export async function assemble(cache: NewCache): Promise<Uint8Array[]> {
  const { to, model, entries, item, pixelsOf } = cache;
  const records = new Map(
    entries
      .flatMap(({ keySuffix, record }) => (record === undefined ? [] : [[keySuffix, record] as const]))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const extra: Record<string, string> = pixelsOf === undefined ? {} : { [PIXELS_OF]: pixelsOf };
  const first = entries[0]!;
  switch (to) {
    case 'sd-scripts': {
      const members = entries.flatMap((entry) => entryMembers(entry, entry.keySuffix, entry.dtype));
      return writeZip(members, records.size === 0 ? new Uint8Array() : encodeProvenance(records));
    }
    case 'musubi': {
      const trained = musubiModel(model);
      const tensors = [musubi.latentTensor(trained, first.shape, first.latents, first.dtype)];
      return encodeTensorFile(
        tensors,
        { ...musubi.fileMetadata(trained, first.geometry.original), ...extra },
        records,
      );
    }
    case 'ai-toolkit': {
      const tensors = [aiToolkit.latentTensor(first.shape, first.latents, first.dtype)];
      return encodeTensorFile(
        tensors,
        { ...aiToolkit.fileMetadata(item!, AI_TOOLKIT_SOFTWARE), ...extra },
        records,
      );
    }
    case 'safetensors': {
      const tensors = entries.flatMap((entry) => plain.entryTensors(entry, entry.dtype));
      return encodeTensorFile(tensors, { ...plainMetadata(cache), ...extra }, records);
    }
  }
}

function plainMetadata({ model, entries, statistics }: NewCache): Record<string, string> {
  const { record, posterior } = entries[0]!;
  const facts = {
    model: model.id,
    vae: record?.recipe.vae ?? UNKNOWN_VAE,
    values: 'raw',
    normalisation: normalisationRecord(model, statistics),
    posterior,
    software: SOFTWARE,
  } as const;
  return plain.fileMetadata(facts, entries);
}
