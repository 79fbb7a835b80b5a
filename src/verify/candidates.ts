/** Which of a folder's files a trainer takes for latent caches, and of which images. */
import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import { withoutExtension } from '../dataset/image-names.js';
import type { ModelFacts } from '../model/catalog.js';
import { parseCacheName } from '../trainers/sd-scripts/files.js';
import type { CacheFolder } from './folders.js';
import type { NamedKind } from './options.js';

export interface Candidate {
  readonly path: string;
  /** Several when they differ in their extension only; none for an orphan. */
  readonly images: readonly string[];
  /** What the name says; `{image}.npz` says nothing. */
  readonly named: { readonly size: Size; readonly suffix: string } | undefined;
  /** What the latents may be for. */
  readonly models: readonly ModelFacts[];
  /** A newer cache of the same image that is not read because of this one. */
  readonly shadows: string | undefined;
  /** It may be removed, if it is ours: no link, and within the folder that was asked for. */
  readonly removable: boolean;
}

export interface FolderPlan {
  readonly candidates: Iterable<Candidate>;
  /** Files that are named as caches for another model. */
  readonly otherModels: number;
  readonly imagesWithoutCache: number;
}

/** A name with size and suffix, whatever the suffix. */
const SIZED_NAME = /_\d{4,}x\d{4,}_[A-Za-z0-9-]+\.npz$/;

/** @param legacyModels what `{image}.npz` may be for */
export function planFolder(
  folder: CacheFolder,
  kinds: readonly NamedKind[],
  legacyModels: readonly ModelFacts[],
): FolderPlan {
  const imagesByBase = new Map<string, string[]>();
  for (const image of folder.images) {
    const base = withoutExtension(path.basename(image));
    const sharing = imagesByBase.get(base);
    if (sharing === undefined) imagesByBase.set(base, [image]);
    else sharing.push(image);
  }
  const isOther = (name: string) =>
    SIZED_NAME.test(name) &&
    parseName(name, kinds) === undefined &&
    !imagesByBase.has(name.slice(0, -'.npz'.length));
  const named = folder.entries.filter(({ name }) => name.endsWith('.npz') && !name.startsWith('.'));
  const files = named.filter(({ name }) => !isOther(name));
  const sizedByBase = new Map<string, string>();
  const cached = new Set<string>();
  for (const { name } of files) {
    const parsed = parseName(name, kinds);
    cached.add(parsed?.base ?? name.slice(0, -'.npz'.length));
    if (parsed !== undefined) sizedByBase.set(parsed.base, name);
  }

  function* candidates(): Generator<Candidate> {
    for (const entry of files) {
      const parsed = parseName(entry.name, kinds);
      const base = parsed?.base ?? entry.name.slice(0, -'.npz'.length);
      const images = imagesByBase.get(base) ?? [];
      yield {
        path: path.join(folder.path, entry.name),
        images,
        named: parsed && { size: parsed.size, suffix: parsed.kind.suffix },
        models: parsed?.kind.models ?? legacyModels,
        shadows: parsed === undefined && images.length > 0 ? sizedByBase.get(base) : undefined,
        removable: folder.inside && !entry.isSymbolicLink(),
      };
    }
  }
  const imagesWithoutCache = folder.images.filter(
    (image) => !cached.has(withoutExtension(path.basename(image))),
  ).length;
  return {
    candidates: { [Symbol.iterator]: candidates },
    otherModels: named.length - files.length,
    imagesWithoutCache,
  };
}

function parseName(
  name: string,
  kinds: readonly NamedKind[],
): { base: string; size: Size; kind: NamedKind } | undefined {
  for (const kind of kinds) {
    const parsed = parseCacheName(name, kind.suffix);
    if (parsed !== undefined) return { ...parsed, kind };
  }
  return undefined;
}
