/** Where the CUDA runtime and TensorRT may lie, besides the loader's own search path. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { LibrarySearch } from '../../native/binding.js';

export interface LibraryPlace {
  readonly folder: string;
  /** What led there: `--library-dir`, or the name of a variable or of a virtual environment. */
  readonly source: string;
}

export interface LibraryPlaces {
  /** Folders that the user named, searched first. */
  readonly folders?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Virtual environments named `venv` and `.venv` are looked for here. */
  readonly workingFolder?: string;
  /** Names in a folder; undefined when it cannot be listed. */
  readonly list?: (folder: string) => readonly string[] | undefined;
}

/** Where NVIDIA's Python wheels put their libraries, below `site-packages`. */
const WHEEL_FOLDERS = ['tensorrt_libs', 'nvidia/cu13/lib', 'nvidia/cuda_runtime/lib'];
const TOOLKIT = '/usr/local/cuda';

/** The folders, in the order in which they are searched; see `listLibraryPlaces`. */
export function findLibraryFolders(places: LibraryPlaces = {}): LibrarySearch {
  return { libraryFolders: listLibraryPlaces(places).map(({ folder }) => folder) };
}

/**
 * In the order of the search: folders that are named, those of LATENT_CACHE_LIBRARY_DIR (a list with colons), then what
 * exists of Python environments and CUDA toolkits.
 */
export function listLibraryPlaces({
  folders = [],
  env = process.env,
  workingFolder = process.cwd(),
  list = listFolder,
}: LibraryPlaces = {}): LibraryPlace[] {
  const named = [
    ...folders.map((folder) => ({ folder, source: '--library-dir' })),
    ...listed(env.LATENT_CACHE_LIBRARY_DIR).map((folder) => ({ folder, source: 'LATENT_CACHE_LIBRARY_DIR' })),
  ].filter(({ folder }) => folder !== '');
  const environments = [
    { root: env.VIRTUAL_ENV, source: 'VIRTUAL_ENV' },
    { root: env.CONDA_PREFIX, source: 'CONDA_PREFIX' },
    { root: path.join(workingFolder, 'venv'), source: 'venv' },
    { root: path.join(workingFolder, '.venv'), source: '.venv' },
  ];
  const toolkits = [
    { root: env.CUDA_HOME, source: 'CUDA_HOME' },
    { root: env.CUDA_PATH, source: 'CUDA_PATH' },
    { root: TOOLKIT, source: TOOLKIT },
  ];
  const guesses = [
    ...environments.flatMap(({ root, source }) => withSource(source, root, (at) => wheelFolders(at, list))),
    ...toolkits.flatMap(({ root, source }) => withSource(source, root, toolkitFolders)),
  ].filter(({ folder }) => list(folder) !== undefined);
  // A relative name must not change its meaning when a child process resolves it.
  const places = [...named, ...guesses].map(({ folder, source }) => ({
    folder: path.resolve(workingFolder, folder),
    source,
  }));
  return places.filter(({ folder }, index) => places.findIndex((other) => other.folder === folder) === index);
}

function listed(variable: string | undefined): string[] {
  return (variable ?? '').split(':');
}

function withSource(
  source: string,
  root: string | undefined,
  foldersOf: (root: string) => readonly string[],
): LibraryPlace[] {
  return isGiven(root) ? foldersOf(root).map((folder) => ({ folder, source })) : [];
}

function toolkitFolders(root: string): string[] {
  return [path.join(root, 'lib64'), path.join(root, 'targets/x86_64-linux/lib')];
}

/** Of a Python environment with the folder `lib`. */
export function wheelFolders(root: string, list: NonNullable<LibraryPlaces['list']>): string[] {
  const lib = path.join(root, 'lib');
  const versions = (list(lib) ?? []).filter((name) => /^python3\.\d+$/.test(name));
  return versions.flatMap((version) =>
    WHEEL_FOLDERS.map((folder) => path.join(lib, version, 'site-packages', folder)),
  );
}

function isGiven(folder: string | undefined): folder is string {
  return folder !== undefined && folder !== '';
}

function listFolder(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}
