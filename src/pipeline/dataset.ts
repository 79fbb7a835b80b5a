/** The folders of a run: listed, locked, with their manifests. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { matchListedImages } from '../dataset/config/match-listed-images.js';
import type { ListedImage } from '../dataset/config/types.js';
import { type ControlFiles, hasProblem } from '../dataset/control-files.js';
import { cannotList } from '../dataset/folder-entries.js';
import { type ImageFolder, listImageFolders } from '../dataset/list-folders.js';
import { sortByCodePoints } from '../dataset/name-order.js';
import { LatentCacheError } from '../errors.js';
import { FolderLocks } from '../manifest/folder-locks.js';
import { RunManifest } from '../manifest/run-manifest.js';
import type { NativeBinding } from '../native/binding.js';
import type { ControlRules, ImageRules } from '../trainers/trainer.js';
import type { NoticeEvent } from './events.js';
import { ImageTable } from './image-table.js';
import { type CachePlace, groupByOutput, isWorthListing, type OutputGroup } from './output-group.js';

/** Which images, and where their caches are. */
export interface SourceSettings extends CachePlace {
  readonly inputs: readonly string[];
  readonly recursive: boolean;
  /** Only these images of its folders. */
  readonly listed?: readonly ListedImage[] | undefined;
  /** Not these, which another source has. */
  readonly except?: readonly ListedImage[] | undefined;
  readonly rules: ImageRules;
  /** undefined: control images do not matter. */
  readonly controls?: ControlRules | undefined;
  /** Folder of control images; undefined: the list names them. */
  readonly controlDirectory?: string | undefined;
}

/** The images of one source and the folders of their caches. */
export interface ListedSource {
  readonly table: ImageTable;
  readonly groups: readonly OutputGroup[];
}

export class Dataset implements AsyncDisposable {
  private constructor(
    /** In the order in which they were asked for. */
    readonly sources: readonly ListedSource[],
    readonly manifest: RunManifest,
    readonly binding: NativeBinding,
    private readonly locks: FolderLocks | undefined,
  ) {}

  /**
   * @param leaveFiles nothing is locked, and the manifests are only read
   * @param onNotice is told of images that do not count, and of trouble with a manifest, now or later
   * @throws LatentCacheError `ERR_NO_INPUT`, `ERR_FOLDER_LOCKED`, `ERR_OUTPUT_OUTSIDE`, `ERR_OUTPUT_NOT_WRITABLE`,
   * `ERR_DISK_FULL`, `ERR_CACHE_WRITE`
   */
  static async open(
    asked: readonly SourceSettings[],
    leaveFiles: boolean,
    binding: NativeBinding,
    onNotice: (notice: NoticeEvent) => void,
  ): Promise<Dataset> {
    const sources: ListedSource[] = [];
    for (const source of asked) sources.push(await listSource(source, onNotice));
    const groups = sources.flatMap((source) => source.groups);
    const roots = [...new Set(groups.map(({ root }) => root))];
    const places = [...new Set(groups.map(({ base }) => base))];
    const recursive = asked.some((source) => source.recursive);
    const locks = leaveFiles ? undefined : await FolderLocks.take(roots, places, recursive, binding);
    const manifest = await RunManifest.open(roots, locks?.readOnly ?? [], {
      readOnly: leaveFiles,
      binding,
      onProblem: (message, file) =>
        onNotice({ type: 'notice', code: 'manifest', message, count: 1, paths: [file] }),
    });
    return new Dataset(sources, manifest, binding, locks);
  }

  /** Writes what is left of the manifests, then frees the folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.manifest.close();
    await this.locks?.release();
  }
}

/** Paths that a notice names. */
const NOTICE_PATHS = 5;

async function listSource(
  source: SourceSettings,
  onNotice: (notice: NoticeEvent) => void,
): Promise<ListedSource> {
  const { inputs, recursive, rules, files, listed, except, controls, controlDirectory } = source;
  const all = await listImageFolders(inputs, {
    recursive,
    keep: (name) => isWorthListing(name, source),
    isImage: rules.isImage,
    captions: rules.captions,
    isSubFolder: (name, isLink) =>
      name !== files.folder && (rules.isSubFolder?.(name, isLink) ?? !name.startsWith('.')),
    ...(rules.isImageFolder === undefined ? {} : { isImageFolder: rules.isImageFolder }),
  });
  const wanted =
    listed === undefined ? all : all.map((folder) => onlyListed(folder, listed, controls, onNotice));
  const chosen = except === undefined ? wanted : wanted.map((folder) => withoutListed(folder, except));
  const folders =
    controls === undefined || controlDirectory === undefined
      ? chosen
      : await withControls(chosen, controlDirectory, controls);
  const left =
    listed !== undefined
      ? []
      : all.flatMap(({ path, withoutCaption }) => withoutCaption.map((name) => `${path}/${name}`));
  if (left.length > 0) {
    onNotice({
      type: 'notice',
      code: 'no-caption',
      message: `${left.length} images have no caption (${rules.captions!.join(' or ')}), and the trainer leaves them out`,
      count: left.length,
      paths: left.slice(0, NOTICE_PATHS),
    });
  }
  const table = new ImageTable(folders);
  if (table.length === 0 && except === undefined) throw noImages(source);
  return { table, groups: groupByOutput(folders, source) };
}

function onlyListed(
  folder: ImageFolder,
  listed: readonly ListedImage[],
  rules: ControlRules | undefined,
  onNotice: (notice: NoticeEvent) => void,
): ImageFolder {
  const { found, missing } = matchListedImages(listed, folder.images);
  if (missing.length > 0) {
    onNotice({
      type: 'notice',
      code: 'not-found',
      message: `${missing.length} images of the list are not in ${folder.path}`,
      count: missing.length,
      paths: missing.slice(0, NOTICE_PATHS).map(({ name }) => `${folder.path}/${name}`),
    });
  }
  const sizes = found.flatMap(({ name, size }) => (size === undefined ? [] : [[name, size] as const]));
  return {
    ...folder,
    images: sortByCodePoints(found.map(({ name }) => name)),
    sizes: new Map(sizes),
    ...(rules !== undefined && {
      controls: new Map(found.map(({ name, controls }) => [name, listedControls(controls, rules)])),
    }),
  };
}

function listedControls(controls: readonly string[] = [], { most, needed }: ControlRules): ControlFiles {
  if (controls.length > 0 || !needed) return controls.slice(0, most);
  return {
    problem: 'the list names no control image',
    remedy: 'Add its control_path, or take the image out of the list: the trainer stops on it.',
  };
}

/** @throws LatentCacheError `ERR_NO_INPUT` */
async function withControls(
  folders: readonly ImageFolder[],
  directory: string,
  { match, most }: ControlRules,
): Promise<ImageFolder[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw cannotList(directory, cause);
  });
  return folders.map((folder) => {
    const controls = new Map<string, ControlFiles>();
    for (const [image, files] of match(folder.images, names)) {
      const paths = hasProblem(files)
        ? files
        : files.slice(0, most).map((name) => path.join(directory, name));
      controls.set(image, paths);
    }
    return { ...folder, controls };
  });
}

function withoutListed(folder: ImageFolder, except: readonly ListedImage[]): ImageFolder {
  const others = new Set(matchListedImages(except, folder.images).found.map(({ name }) => name));
  return { ...folder, images: folder.images.filter((name) => !others.has(name)) };
}

function noImages({ inputs, recursive, rules }: SourceSettings): LatentCacheError {
  const captioned = rules.captions === null ? '' : ' with captions';
  return new LatentCacheError('ERR_NO_INPUT', `No images${captioned} in ${inputs.join(', ')}`, {
    path: inputs[0],
    remedy: recursive
      ? 'Images end in .png, .jpg, .jpeg, .webp, .bmp or .avif, all in lower or all in upper case.'
      : 'Sub-folders are not searched, as in sd-scripts: name them, or add --recursive.',
  });
}
