/** Where libraries lie, as files: nothing is loaded here. */
import path from 'node:path';
import { listLibraryPlaces, wheelFolders } from '../encoder/tensorrt/find-libraries.js';
import type { Machine } from './machine.js';

export interface LibraryFile {
  /** 'libnvinfer.so.10' */
  readonly name: string;
  readonly path: string;
  /** '--library-dir', 'VIRTUAL_ENV', 'LD_LIBRARY_PATH', 'the loader'. */
  readonly source: string;
  /** As the file's full name or its wheel says; the library itself may know better. */
  readonly version: string | null;
}

export interface Searched {
  readonly folder: string;
  readonly source: string;
}

/** What ld.so looks into without being told. */
const LOADER_FOLDERS = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];
const LOADER_CACHE = '/etc/ld.so.cache';
const LOADER = 'the loader';

export class LibraryFiles {
  /** The folders that are handed to the addon. */
  readonly searched: readonly Searched[];

  constructor(
    private readonly machine: Machine,
    folders: readonly string[],
  ) {
    const { env, workingFolder } = machine;
    this.searched = listLibraryPlaces({ folders, env, workingFolder, list: (at) => this.#list(at) });
  }

  get folders(): readonly string[] {
    return this.searched.map(({ folder }) => folder);
  }

  /**
   * In the order of the search, each file once.
   *
   * @param name of a whole file name, without groups.
   */
  find(name: RegExp): LibraryFile[] {
    const found: LibraryFile[] = [];
    const add = (folder: string, file: string, source: string) => {
      const at = path.join(folder, file);
      const real = this.machine.realPath(at);
      if (real === undefined || found.some(({ path: known }) => this.machine.realPath(known) === real))
        return;
      found.push({ name: file, path: at, source, version: this.#versionOf(real) });
    };
    const inFolder = (folder: string, source: string) => {
      for (const file of this.machine.list(folder)) if (matches(name, file)) add(folder, file, source);
    };
    for (const { folder, source } of this.searched) inFolder(folder, source);
    for (const folder of (this.machine.env.LD_LIBRARY_PATH ?? '').split(':')) {
      if (folder !== '') inFolder(path.resolve(this.machine.workingFolder, folder), 'LD_LIBRARY_PATH');
    }
    for (const file of this.#cached()) {
      if (matches(name, path.basename(file))) add(path.dirname(file), path.basename(file), LOADER);
    }
    for (const folder of LOADER_FOLDERS) inFolder(folder, LOADER);
    return found;
  }

  /** Python environments that hold TensorRT and are not searched: not active, or the system's own. */
  strayWheels(): string[] {
    const { homeFolder } = this.machine;
    const roots = [
      path.join(homeFolder, '.local'),
      '/usr/local',
      ...['miniconda3', 'anaconda3', 'miniforge3'].map((name) => path.join(homeFolder, name)),
      '/opt/conda',
    ];
    const sites = roots.flatMap((root) => wheelFolders(root, (at) => this.#list(at)));
    const debian = sites.map((folder) => folder.replace('/site-packages/', '/dist-packages/'));
    return [...sites, ...debian].filter(
      (folder) =>
        !this.folders.includes(folder) &&
        this.machine.list(folder).some((file) => /^lib(nvinfer|cudart)\.so\.\d+$/.test(file)),
    );
  }

  /** One line for each folder. */
  describeSearch(): string[] {
    const named = this.searched.map(({ folder, source }) => `looked in ${folder} (${source})`);
    return [...named, `looked where the loader looks: LD_LIBRARY_PATH, ${LOADER_CACHE}, /usr/lib …`];
  }

  #list(folder: string): readonly string[] | undefined {
    return this.machine.look(folder)?.kind === 'folder' ? this.machine.list(folder) : undefined;
  }

  /** The cache is binary, with full paths as text between zeros. */
  #cached(): string[] {
    return (this.machine.read(LOADER_CACHE) ?? '').match(/\/[^\0\n]+\.so\.[\d.]+(?=\0)/g) ?? [];
  }

  #versionOf(file: string): string | null {
    const inName = /\.so\.(\d+\.\d+(?:\.\d+)*)$/.exec(file)?.[1];
    if (inName !== undefined) return inName;
    const folder = path.dirname(file);
    if (path.basename(folder) !== 'tensorrt_libs') return null;
    for (const name of this.machine.list(path.dirname(folder))) {
      const version = /^tensorrt(?:_cu\d+)?_libs-(\d+\.\d+\.\d+)/.exec(name)?.[1];
      if (version !== undefined) return version;
    }
    return null;
  }
}

function matches(name: RegExp, file: string): boolean {
  return name.exec(file)?.[0] === file;
}

/** 10 of 'libnvinfer.so.10' */
export function majorOf({ name }: Pick<LibraryFile, 'name'>): number {
  return Number(/\.so\.(\d+)/.exec(name)?.[1]);
}

export function describeFile({ path: file, source, version }: LibraryFile): string {
  return `${file} (${source}${version === null ? '' : `, ${version}`})`;
}
