/** The folders of a run: listed, locked, with their manifests. */
import { listImageFolders } from '../dataset/list-folders.js';
import { LatentCacheError } from '../errors.js';
import { FolderLocks } from '../manifest/folder-locks.js';
import { RunManifest } from '../manifest/run-manifest.js';
import type { NativeBinding } from '../native/binding.js';
import type { NoticeEvent } from './events.js';
import { ImageTable } from './image-table.js';
import type { BuildSettings } from './options.js';
import { groupByOutput, isCacheName, type OutputGroup } from './output-group.js';

/** `leaveFiles`: nothing is locked, and the manifests are only read. */
export type DatasetSettings = Pick<BuildSettings, 'inputs' | 'recursive' | 'outDir' | 'leaveFiles'>;

export class Dataset implements AsyncDisposable {
  private constructor(
    readonly table: ImageTable,
    readonly groups: readonly OutputGroup[],
    readonly manifest: RunManifest,
    readonly binding: NativeBinding,
    private readonly locks: FolderLocks | undefined,
  ) {}

  /**
   * @param onNotice is told of trouble with a manifest, now or later
   * @throws LatentCacheError `ERR_NO_INPUT`, `ERR_FOLDER_LOCKED`, `ERR_OUTPUT_OUTSIDE`, `ERR_OUTPUT_NOT_WRITABLE`,
   * `ERR_DISK_FULL`, `ERR_CACHE_WRITE`
   */
  static async open(
    settings: DatasetSettings,
    binding: NativeBinding,
    onNotice: (notice: NoticeEvent) => void,
  ): Promise<Dataset> {
    const { inputs, recursive, leaveFiles } = settings;
    const folders = await listImageFolders(inputs, { recursive, keep: isCacheName });
    const table = new ImageTable(folders);
    if (table.length === 0) throw noImages(settings);
    const groups = groupByOutput(folders, settings);
    const roots = [...new Set(groups.map(({ root }) => root))];
    const places = groups.map(({ folder }) => folder);
    const locks = leaveFiles ? undefined : await FolderLocks.take(roots, places, recursive, binding);
    const manifest = await RunManifest.open(roots, locks?.readOnly ?? [], {
      readOnly: leaveFiles,
      binding,
      onProblem: (message, file) =>
        onNotice({ type: 'notice', code: 'manifest', message, count: 1, paths: [file] }),
    });
    return new Dataset(table, groups, manifest, binding, locks);
  }

  /** Writes what is left of the manifests, then frees the folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.manifest.close();
    await this.locks?.release();
  }
}

function noImages(settings: DatasetSettings): LatentCacheError {
  return new LatentCacheError('ERR_NO_INPUT', `No images in ${settings.inputs.join(', ')}`, {
    path: settings.inputs[0],
    remedy: settings.recursive
      ? 'Images end in .png, .jpg, .jpeg, .webp, .bmp or .avif, all in lower or all in upper case.'
      : 'Sub-folders are not searched, as in sd-scripts: name them, or add --recursive.',
  });
}
