import { opendir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Size } from './bucket.js';
import type { ControlFiles } from './control-files.js';
import { cannotList, isFolder } from './folder-entries.js';
import { isImageName, withoutExtension } from './image-names.js';
import { sortByCodePoints } from './name-order.js';

/** One folder with images, as it was listed once. */
export interface ImageFolder {
  /** The folder that was asked for. */
  readonly root: string;
  /** The place inside it, with forward slashes; '' for the root itself. */
  readonly inside: string;
  /** Path as the user would write it. */
  readonly path: string;
  /** Names of its images, in the order of code points. */
  readonly images: readonly string[];
  /** Its other names that `keep` asked for. Whoever takes them may empty the list: they can be a million. */
  readonly others: string[];
  /** Images that do not count, because they have no caption. */
  readonly withoutCaption: readonly string[];
  /** What a list says of the sizes of its images, by their names. */
  readonly sizes?: ReadonlyMap<string, Size>;
  /** Paths of the control images of its images, by their names. */
  readonly controls?: ReadonlyMap<string, ControlFiles>;
}

export interface ListOptions {
  readonly recursive: boolean;
  /** Names to be listed besides images. */
  readonly keep?: (name: string) => boolean;
  /** Default: sd-scripts' rule. */
  readonly isImage?: (name: string) => boolean;
  /** Endings of captions, one of which must stand beside an image; null: images count without. */
  readonly captions?: readonly string[] | null;
  /** Whether a sub-folder is searched. Default: all but hidden ones. */
  readonly isSubFolder?: (name: string, isLink: boolean) => boolean;
  /** Whether images directly in a folder of this name count. Default: they do. */
  readonly isImageFolder?: (name: string) => boolean;
}

/** Entries read in one step: a folder of a million must not be a million objects. */
const ENTRIES = 2048;

/**
 * Lists folders in the order that was asked for, each before its sub-folders; with `recursive` those as well. A folder that
 * is reached twice (given twice, inside another, or through a link) is listed once.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when a folder does not exist, is no folder or cannot be read.
 */
export async function listImageFolders(
  roots: readonly string[],
  options: ListOptions,
): Promise<ImageFolder[]> {
  const folders: ImageFolder[] = [];
  const seen = new Set<string>();
  const walk = async (root: string, inside: string): Promise<void> => {
    const folder = inside === '' ? root : path.join(root, inside);
    const { subFolders, identity, ...names } = await listFolder(folder, options);
    if (seen.has(identity)) return;
    seen.add(identity);
    folders.push({ root, inside, path: folder, ...names });
    for (const name of subFolders) await walk(root, inside === '' ? name : `${inside}/${name}`);
  };
  for (const root of roots) await walk(root, '');
  return folders;
}

async function listFolder(
  folder: string,
  {
    recursive,
    keep = () => false,
    isImage = isImageName,
    captions = null,
    isSubFolder = (name) => !name.startsWith('.'),
    isImageFolder = () => true,
  }: ListOptions,
) {
  const holdsImages = isImageFolder(path.basename(path.resolve(folder)));
  const images: string[] = [];
  const others: string[] = [];
  const subFolders: string[] = [];
  const captioned = new Set<string>();
  try {
    for await (const entry of await opendir(folder, { bufferSize: ENTRIES })) {
      const { name } = entry;
      const caption = captions?.find((ending) => name.endsWith(ending));
      if (holdsImages && isImage(name)) images.push(name);
      else if (keep(name)) others.push(name);
      else if (caption !== undefined && !name.startsWith('.')) captioned.add(withoutExtension(name));
      if (recursive && isSubFolder(name, entry.isSymbolicLink()) && (await isFolder(entry, folder)))
        subFolders.push(name);
    }
    const identity = await realpath(folder);
    const counts = (name: string) => captions === null || captioned.has(withoutExtension(name));
    return {
      images: sortByCodePoints(images.filter(counts)),
      withoutCaption: images.filter((name) => !counts(name)),
      others: sortByCodePoints(others),
      subFolders: sortByCodePoints(subFolders),
      identity,
    };
  } catch (cause) {
    throw cannotList(folder, cause);
  }
}
