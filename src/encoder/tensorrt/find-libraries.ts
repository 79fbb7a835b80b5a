/** Where the CUDA runtime and TensorRT may lie, besides the loader's own search path. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { LibrarySearch } from '../../native/binding.js';

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

/**
 * The folders, in the order in which they are searched: those named, those of LATENT_CACHE_LIBRARY_DIR (a list with
 * colons), then what exists of Python environments and CUDA toolkits.
 */
export function findLibraryFolders({
  folders = [],
  env = process.env,
  workingFolder = process.cwd(),
  list = listFolder,
}: LibraryPlaces = {}): LibrarySearch {
  const named = [...folders, ...(env.LATENT_CACHE_LIBRARY_DIR ?? '').split(':')].filter(
    (name) => name !== '',
  );
  const environments = [
    env.VIRTUAL_ENV,
    env.CONDA_PREFIX,
    path.join(workingFolder, 'venv'),
    path.join(workingFolder, '.venv'),
  ];
  const toolkits = [env.CUDA_HOME, env.CUDA_PATH, TOOLKIT];
  const guesses = [
    ...environments.filter(isGiven).flatMap((root) => wheelFolders(root, list)),
    ...toolkits
      .filter(isGiven)
      .flatMap((root) => [path.join(root, 'lib64'), path.join(root, 'targets/x86_64-linux/lib')]),
  ].filter((folder) => list(folder) !== undefined);
  // A relative name must not change its meaning when a child process resolves it.
  return {
    libraryFolders: [...new Set([...named, ...guesses].map((name) => path.resolve(workingFolder, name)))],
  };
}

function wheelFolders(root: string, list: NonNullable<LibraryPlaces['list']>): string[] {
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
